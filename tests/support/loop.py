"""A server that is played to clients by one thread, which holds all its connections."""

import selectors
import socket
import threading


class Loop:
    """Listens on 127.0.0.1, and serves inside of `with`. Over it stands what it does: `begin` with each
    new connection, a socket that does not wait; `rest`, how long it may sleep if nothing happens, None
    for as long as it likes; and `turn`, after whatever happened. What is registered with `selector` is
    called when its socket is ready, and closed in the end."""

    def __init__(self, secured=False):
        self.connections = 0
        self.selector = selectors.DefaultSelector()
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=4096)
        self._listener.setblocking(False)
        port = self._listener.getsockname()[1]
        self.url = f'{"https" if secured else "http"}://127.0.0.1:{port}'
        self._ends, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.close()
        self._thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def begin(self, connection):
        raise NotImplementedError

    def rest(self):
        return None

    def turn(self):
        pass

    def _serve(self):
        self.selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self._ends, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select(self.rest()):
                if key.fileobj is self._ends:
                    return
                key.data()
            self.turn()

    def _accept(self):
        try:
            while True:
                connection = self._listener.accept()[0]
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self.begin(connection)
        except BlockingIOError:
            pass
