#!/usr/bin/python3 -SE
"""Stands for a server in tests of the lab: says that it listens, and waits to be ended.

Which one it is, its name tells. LAB_FAKE_SERVER=mute|die|crash changes its manners."""
import os
import signal
import sys

name = os.path.basename(sys.argv[0])
model = "sync" if "sync-server" in name and "async" not in name else "async"
if "--version" in sys.argv:
    print(name, "0.0-fake")
    sys.exit(0)
manners = os.environ.get("LAB_FAKE_SERVER", "")
if manners == "die":
    sys.exit("%s: address already in use" % name)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
if manners != "mute":
    about = "a thread for each connection" if model == "sync" else "1 loop"
    print("listening on http://127.0.0.1:%d/ (%s, %s)"
          % (9 if model == "sync" else 10, model, about), flush=True)
signal.sigwait([signal.SIGTERM])
if manners == "crash":
    sys.exit("%s: lost a page" % name)
