"""Takes the code out of an answer, as the published evaluation of DAEDAL does, and runs it with its tests.

Started by `demask eval --run-code`, a process for each answer, in an empty folder that is removed afterwards. The task
comes as JSON on standard input:

    kind         "humaneval" or "mbpp": whose rules the code is taken out by; "infilling": the text is the code
    text         the whole answer
    prompt       what the code is put behind (humaneval)
    entry_point  the function that is asked for (humaneval)
    tests        the program that is run behind the code
    seconds, memory, file   what a run may take: seconds by the clock, bytes of memory, bytes of a file

Standard output gets a line {"code": …} before anything is run, and a line {"fault": …} afterwards: null where the
tests pass, words where they do not. A run that ends without the second line has not passed.

The limits keep an answer that goes wrong from doing harm; they are no prison for one that was written to break out.

Part of demask (MIT or Apache-2.0).
"""

import ast
import itertools
import json
import os
import re
import sys
import warnings

# Lines looked at, and characters of a fault that are told.
MOST_LINES = 100
MOST_WORDS = 200

# What the code under test may not do, by the names of Python's audit events: start programs, reach the network, change
# what is not its own. An event is meant by its whole name or, with a dot at the end, by its beginning.
DENIED = (
    "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.startfile", "os.kill", "os.killpg",
    "os.chdir", "os.fchdir", "os.chmod", "os.chown", "os.chflags", "os.lockf", "os.link", "os.symlink", "os.mkdir",
    "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.utime", "os.setxattr", "os.removexattr", "pty.spawn",
    "signal.pthread_kill", "subprocess.Popen", "resource.setrlimit", "resource.prlimit", "ctypes.", "shutil.", "socket.",
    "webbrowser.", "winreg.", "_winapi.", "ftplib.", "http.", "urllib.", "smtplib.", "sqlite3.",
)  # fmt: skip


# ---- taking the code out ---------------------------------------------------------------------------------------------


def parsed(code):
    """The tree of `code`, or None where it is no Python."""
    try:
        return ast.parse(code)
    except (SyntaxError, MemoryError):
        return None


def longest_valid(text):
    """The run of lines that is Python and has the most lines that are not blank; the first of several."""
    lines = text.splitlines()[:MOST_LINES]
    filled = list(itertools.accumulate((bool(line.strip()) for line in lines), initial=0))
    best, most = "", 0
    for first in range(len(lines)):
        for end in range(first + 1, len(lines) + 1):
            if filled[end] - filled[first] > most:
                part = "\n".join(lines[first:end])
                if parsed(part) is not None:
                    best, most = part, filled[end] - filled[first]
    return best


def names_in(tree):
    """The names that a definition uses. What stands before a dot does not count."""
    found, left = set(), [tree]
    while left:
        for node in ast.iter_child_nodes(left.pop()):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif not isinstance(node, ast.Attribute):
                left.append(node)
    return found


def definition(node):
    """What a statement defines: a class, a function, or the first of what is assigned to."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def needed(entry_point, definitions):
    """The entry point and all that it uses, directly or not."""
    found, left = set(), {entry_point}
    while left:
        name = left.pop()
        found.add(name)
        if name in definitions:
            left |= names_in(definitions[name]) - found
    return found


def tidied(text, entry_point, returning, known_only):
    """The imports of the longest valid code, and the definitions that the entry point needs, as Python writes them.

    returning   leave out functions that return nothing
    known_only  where the entry point is not defined, keep all definitions; otherwise none is kept
    """
    text = text.replace("\t", "    ").replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"
    tree = parsed(longest_valid(text))
    imports, definitions = [], {}
    for node in tree.body if tree else []:
        name = definition(node)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
        elif isinstance(node, ast.FunctionDef) and returning:
            if any(isinstance(inner, ast.Return) for inner in ast.walk(node)):
                definitions[name] = node
        elif name:
            definitions[name] = node
    kept = set(definitions)
    if entry_point and (entry_point in definitions or not known_only):
        kept = needed(entry_point, definitions)
    nodes = imports + [node for name, node in definitions.items() if name in kept]
    return "\n".join(ast.unparse(node) for node in nodes)


def humaneval_code(text, prompt, entry_point):
    """The code of an answer to HumanEval: behind the prompt, up to the end of the first fence."""
    code = text.split("```python\n", 1)[-1].split("```")[0]
    return tidied(f"{prompt}\n{code}", entry_point, returning=True, known_only=False)


def mbpp_code(text):
    """The code of an answer to MBPP: in the first fence, with its first function. None if there is none."""
    fence = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    code = fence.group(1).strip() if fence else ""
    function = re.search(r"^\s*def\s+([a-zA-Z_]\w*)", code, re.MULTILINE)
    if not function:
        return None
    return tidied(code, function.group(1), returning=False, known_only=True)


# ---- running it ------------------------------------------------------------------------------------------------------


def limit(task):
    """Takes away what a run may not have. From here on nothing gives it back."""
    import resource
    import signal

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + task["seconds"]) + 2
    limits = [
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_AS", task["memory"]),
        ("RLIMIT_FSIZE", task["file"]),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_NPROC", 0),
        ("RLIMIT_CORE", 0),
    ]
    for name, most in limits:
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, OSError, ValueError):
            pass  # A system without this limit; the others and the clock hold.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, task["seconds"])


def guard(folder):
    """Denies what the code under test may not do."""
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def own(path):
        if isinstance(path, int):
            return True  # A file that is open already.
        return os.path.realpath(os.path.join(folder, os.fsdecode(path))).startswith(folder + os.sep)

    def hook(event, arguments):
        denied = any(event == name or (name[-1] == "." and event.startswith(name)) for name in DENIED)
        if event == "open" and (arguments[2] or 0) & writing:
            denied = not own(arguments[0])
        if denied:
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)
    try:
        import _posixsubprocess

        _posixsubprocess.fork_exec = None  # The one way to start a program that raises no event.
    except ImportError:
        pass


def told(fault):
    """A fault in words that are the same in every run."""
    words = f"{type(fault).__name__}: {fault}".rstrip(": ")
    return re.sub(r"0x[0-9a-f]+", "0x…", words)[:MOST_WORDS]


def main():
    warnings.simplefilter("ignore")
    task = json.load(sys.stdin)
    if task["kind"] == "humaneval":
        code = humaneval_code(task["text"], task["prompt"], task["entry_point"])
    elif task["kind"] == "infilling":
        code = task["text"]
    else:
        code = mbpp_code(task["text"])
    # The answer's own standard streams lead nowhere; ours stays.
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdin = None

    def say(line):
        os.write(out, (json.dumps(line) + "\n").encode())

    say({"code": code})
    if code is None:
        say({"fault": "there is no function in a ```python fence"})
        return
    program = f"{code}\n{task['tests']}"
    guard(os.path.realpath(os.getcwd()))
    limit(task)
    try:
        exec(program, {})
        fault = None
    except BaseException as error:  # An exit before the tests are done has not passed them.
        fault = told(error)
    say({"fault": fault})
    os._exit(0)


if __name__ == "__main__":
    main()
