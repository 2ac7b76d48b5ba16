"""Certificates of all kinds, made anew for each run: certificates.c."""

import functools
import os
import pathlib
import ssl
import subprocess
import tempfile

from support.programs import BUILD, PATIENCE, TLS, environment


class Certificates:
    """A folder of them. NAME.pem is a certificate and NAME.key its key:

    server      for localhost, 127.0.0.1, ::1, server.test and *.wild.test
    rsa         the same names, with a key for RSA
    second      for second.test; elsewhere: for elsewhere.test
    expired, early      out of their time; their names are the server's
    encrypted   its key has the password "secret"
    client      for a client to show
    published, published-rsa    the server's names, as authorities sign for the public: with the
                address of their list of what is revoked, and for signing alone
    unknown     the server's names, signed by the authority that nobody trusts

    ca and other_ca are the authorities' own; server.ocsp is a response to be stapled; tickets.bin and
    other-tickets.bin hold a ticket key of 80 and of 48 bytes."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([BUILD / 'tests' / 'support' / 'certificates', self.folder],
                       check=True, env=environment(), timeout=60 * PATIENCE)
        self.ca, self.other_ca = self.folder / 'ca.pem', self.folder / 'other-ca.pem'
        self.ocsp = self.folder / 'server.ocsp'
        self.tickets = self.folder / 'tickets.bin'
        self.other_tickets = self.folder / 'other-tickets.bin'

    def certificate(self, name='server'):
        return self.folder / f'{name}.pem'

    def key(self, name='server'):
        return self.folder / f'{name}.key'

    def options(self, name='server'):
        """For a server or a client that is to show this one."""
        return ['--cert', self.certificate(name), '--key', self.key(name)]

    def give_to(self, user):
        """Makes them that user's own: others, but for root, cannot read keys."""
        for path in [self.folder, *self.folder.iterdir()]:
            os.chown(path, user, -1)

    def context(self, ca=None, shows=None, newest=None, oldest=None):
        """A client's: it trusts the authority, and shows this certificate of its own."""
        context = ssl.create_default_context(cafile=ca or self.ca)
        if shows:
            context.load_cert_chain(self.certificate(shows), self.key(shows))
        context.maximum_version = newest or context.maximum_version
        context.minimum_version = oldest or context.minimum_version
        return context

    def server_context(self, name='server', newest=None, oldest=None, asks=False):
        """A server's: it shows this certificate, and with `asks` wants one of the client's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(name), self.key(name))
        context.maximum_version = newest or context.maximum_version
        context.minimum_version = oldest or context.minimum_version
        if asks:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def of_clients():
    """What raw connections speak TLS with; None where these tests run without it."""
    return of_this_run().context() if TLS else None


@functools.cache
def of_this_run():
    """Those that servers are started with, and those played that show one, when CRISTO_TLS asks for it."""
    folder = tempfile.TemporaryDirectory()
    made = Certificates(folder.name)
    made.keeps = folder  # until the end
    return made


def served_with(tls=TLS):
    """The context of a server that is played: None where it speaks plainly; `tls` may be another one."""
    return of_this_run().server_context() if tls is True else tls or None
