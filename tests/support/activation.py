"""How a supervisor such as systemd starts a server: with sockets that listen already."""

import sys

from support.programs import program

LAUNCHER = '''#!{python}
import os, sys
sockets = {sockets}
high = [os.dup2(socket, 50 + i) for i, socket in enumerate(sockets)]
for i, socket in enumerate(high):
    os.dup2(socket, 3 + i)
    os.set_inheritable(3 + i, True)
    os.close(socket)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES={names!r})
os.execv({program!r}, [{program!r}, *sys.argv[1:]])
'''


def handed(model, sockets, folder, names='a:b'):
    """How to start a Server that is handed these sockets, by these names: its words by name. A script that does it is
    written to the folder."""
    numbers = [one.fileno() for one in sockets]
    path = folder / f'launch-{model}'
    path.write_text(LAUNCHER.format(python=sys.executable, program=str(program('server', model)),
                                    sockets=numbers, names=names))
    path.chmod(0o755)
    return {'path': path, 'listen': (), 'pass_fds': numbers}
