"""Runs a program on a terminal of its own as a shell's job, and types at it.

Words: the program and its words. It must print "ready". Then Ctrl-Z, continue, Ctrl-C; each line
printed here says what the shell would see.
"""
import os
import pty
import signal
import sys
import termios

pid, terminal = pty.fork()
if pid == 0:
    # The session leader, in the shell's place; the job gets a group of its own, in the foreground.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(sys.argv[1], sys.argv[1:])
    try:
        os.setpgid(job, job)
    except OSError:
        pass
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            os.tcsetpgrp(0, os.getpgrp())
            print("shell: stopped", os.WSTOPSIG(status), flush=True)
            sys.stdin.readline()
            os.tcsetpgrp(0, job)
            os.killpg(job, signal.SIGCONT)
        else:
            os.tcsetpgrp(0, os.getpgrp())
            print("shell: ended", os.waitstatus_to_exitcode(status), flush=True)
            os._exit(0)

attributes = termios.tcgetattr(terminal)
attributes[3] &= ~termios.ECHO
termios.tcsetattr(terminal, termios.TCSANOW, attributes)
text = ""


def wait_for(mark):
    global text
    while mark not in text:
        text += os.read(terminal, 4096).decode()
    text = text.split(mark, 1)[1]
    print(mark, flush=True)


wait_for("ready")
os.write(terminal, b"\x1a")
wait_for("shell: stopped ")
# Back into the foreground; the shell reads a line first.
os.write(terminal, b"\n")
wait_for("again")
os.write(terminal, b"\x03")
wait_for("shell: ended ")
print(text.strip() or os.read(terminal, 100).decode().strip(), flush=True)
