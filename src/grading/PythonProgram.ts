/**
 * The program that runs an answer in Python: the text that `python3 -I -S -B -c` is given by `Sandbox.ts`. It speaks the
 * protocol of `SandboxProgram.ts`.
 *
 * Laws: expected values never come here; an answer is given processor time, not time, so that a machine that stands still
 * costs it nothing; and from `Ready` on an audit hook lets pass only what computing needs. What is not on its list is
 * refused by an exception, which is the answer's.
 *
 * Gotchas: Python has no walls of its own. The answer shares this interpreter, so it can find what it looks for in it and
 * write lines of this protocol; all it gains is a result that it could have returned. The hook is a fence for those who
 * stumble, not for those who climb; against them stand the walls of `Confinement.ts` and the limits of the process.
 * The hook names nothing that an answer could replace: all it uses is bound before.
 */
export const pythonProgram = String.raw`
import sys, json, os, signal, types

leave = os._exit

def write_line(text, write=os.write):
    data = (text + "\n").encode("utf-8", "backslashreplace")
    while data:
        data = data[write(1, data):]

request = json.loads(sys.stdin.buffer.read())
calls = [json.loads(text) for text in request["calls"]]
name = request["functionName"]
bytes_left = request["outputBytes"]
seconds = request["callMillis"] / 1000
dumps = json.JSONEncoder(allow_nan=False, ensure_ascii=True, separators=(",", ":")).encode
library = tuple(os.path.join(path, "") for path in request["library"])

class OutOfTime(BaseException):
    pass

def out_of_time(number, frame):
    raise OutOfTime()

def end_alone(number, frame, leave=os._exit):
    leave(14)

# Should this process be left alone by the one that started it, it ends all the same. Process 1 of a namespace ignores
# signals without a handler.
signal.signal(signal.SIGALRM, end_alone)
signal.setitimer(signal.ITIMER_REAL, request["wallMillis"] / 1000 + 5)
signal.signal(signal.SIGPROF, out_of_time)
set_timer = signal.setitimer
PROFILE = signal.ITIMER_PROF

class Nowhere:
    encoding = "utf-8"
    errors = "replace"
    closed = False
    def write(self, text): return len(text)
    def writelines(self, lines): pass
    def flush(self): pass
    def isatty(self): return False
    def fileno(self): raise OSError("no file")

class Nothing(Nowhere):
    def read(self, size=-1): return ""
    def readline(self, size=-1): return ""
    def __iter__(self): return iter(())

sys.stdout = sys.__stdout__ = sys.stderr = sys.__stderr__ = Nowhere()
sys.stdin = sys.__stdin__ = Nothing()

def make_hook():
    allowed = frozenset([
        "compile", "exec", "marshal.loads", "code.__new__", "function.__new__", "builtins.id", "object.__getattr__",
        "object.__setattr__", "object.__delattr__", "sys._getframe", "sys._getframemodulename", "sys.unraisablehook",
        "sys.excepthook", "array.__new__", "time.sleep", "pickle.find_class", "builtins.input", "builtins.input/result",
        "_thread.start_new_thread", "_thread.start_joinable_thread"
    ])
    looked_at = frozenset(["os.listdir", "os.scandir"])
    refused = frozenset([
        "_asyncio", "_ctypes", "_ctypes_test", "_dbm", "_gdbm", "_interpreters", "_multiprocessing", "_posixshmem",
        "_posixsubprocess", "_signal", "_socket", "_sqlite3", "_testcapi", "_testinternalcapi", "_testmultiphase",
        "_xxsubinterpreters", "asyncio", "ctypes", "dbm", "faulthandler", "fcntl", "gc", "mmap", "multiprocessing", "posix",
        "pty", "readline", "resource", "select", "signal", "socket", "sqlite3", "ssl", "subprocess", "termios", "tty"
    ])
    def hook(event, arguments, allowed=allowed, looked_at=looked_at, refused=refused, library=library,
             Refused=PermissionError, Missing=ImportError, text=str, kind=type, startswith=str.startswith,
             find=str.find, partition=str.partition):
        if event == "import":
            if partition(arguments[0], ".")[0] in refused:
                raise Missing("importing " + arguments[0] + " is not allowed here")
            return
        if event in allowed:
            return
        if event == "open":
            path, mode, flags = arguments
            if kind(path) is text and startswith(path, library) and find(path, "/../") < 0 and not flags & 0o3:
                return
            raise Refused("opening files is not allowed here")
        if event in looked_at:
            path = arguments[0]
            if kind(path) is text and startswith(path + "/", library) and find(path + "/", "/../") < 0:
                return
        raise Refused(event + " is not allowed here")
    return hook

kept = frozenset([
    "fspath", "fsencode", "fsdecode", "stat", "lstat", "listdir", "scandir", "getcwd", "getpid", "urandom", "cpu_count",
    "strerror", "get_terminal_size", "stat_result", "terminal_size", "DirEntry", "PathLike", "path", "environ", "environb",
    "getenv", "fstat", "open", "close", "unlink", "rmdir", "mkdir", "rename", "chmod", "sep", "linesep", "name", "curdir", "pardir", "extsep", "altsep",
    "pathsep", "defpath", "devnull", "error", "uname_result", "times_result", "sched_getaffinity", "walk", "times",
    "process_cpu_count", "register_at_fork", "get_exec_path", "isatty", "waitstatus_to_exitcode", "putenv", "unsetenv"
])

def fence():
    loaded = sys.modules
    for module in (os, loaded["posix"], signal, loaded["_signal"]):
        for key, value in list(vars(module).items()):
            if key.startswith("__") or key in kept:
                continue
            if isinstance(value, (types.BuiltinFunctionType, types.FunctionType)):
                if module is os and isinstance(value, types.FunctionType) and key.startswith("_"):
                    continue
                delattr(module, key)
    sys.addaudithook(make_hook())

def describe(error):
    try:
        text = str(error)
    except BaseException:
        text = ""
    try:
        label = type(error).__name__
        return (label + ": " + text if text else label)[:200]
    except BaseException:
        return "something that cannot be read"

def limited(work):
    """The kind of end and what it ended with."""
    try:
        try:
            set_timer(PROFILE, seconds, 0.05)
            value = work()
            set_timer(PROFILE, 0)
            return ("value", value)
        except OutOfTime:
            set_timer(PROFILE, 0)
            return ("time", None)
        except BaseException as error:
            set_timer(PROFILE, 0)
            return ("error", error)
    except OutOfTime:
        set_timer(PROFILE, 0)
        return ("time", None)

def described(error):
    kind, text = limited(lambda: describe(error))
    return text if kind == "value" else "something that cannot be read"

def emit(tag, **fields):
    fields["_tag"] = tag
    write_line(dumps(fields))

timed = {"cpuMillis": request["callMillis"], "wallMillis": request["callMillis"]}

def loaded_function():
    answer = types.ModuleType("answer")
    sys.modules["answer"] = answer
    try:
        code = compile(request["code"], "answer.py", "exec", dont_inherit=True)
    except OutOfTime:
        raise
    except BaseException as error:
        emit("Unusable", detail="syntax error: " + described(error))
        return None
    kind, value = limited(lambda: exec(code, vars(answer)))
    if kind == "time":
        emit("LoadTimedOut", **timed)
        return None
    function = vars(answer).get(name)
    if callable(function):
        return function
    cause = " (loading it threw " + described(value) + ")" if kind == "error" else ""
    emit("Unusable", detail="the answer defines no function named " + name + cause)
    return None

def call(function, arguments):
    global bytes_left
    kind, value = limited(lambda: function(*arguments))
    if kind == "time":
        return emit("TimedOut", **timed)
    if kind == "error":
        return emit("Threw", detail=described(value))
    if type(value).__name__ in ("coroutine", "generator", "async_generator"):
        return emit("NotJson", detail="a " + type(value).__name__.replace("_", " "))
    kind, text = limited(lambda: dumps(value))
    if kind == "time":
        return emit("TimedOut", **timed)
    if kind == "error":
        return emit("NotJson", detail="something that is not JSON: " + described(text))
    if len(text) > bytes_left:
        return emit("NotJson", detail="a result of %d bytes, which is too much" % len(text))
    bytes_left -= len(text)
    write_line('{"_tag":"Returned","value":' + text + "}")

# Loaded before the fence stands, since they look around in ways that it refuses.
for common in ("collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
               "heapq", "bisect", "itertools", "math", "operator", "random", "re", "statistics", "string", "typing"):
    try:
        __import__(common)
    except ImportError:
        pass

fence()
emit("Ready")
function = loaded_function()
if function is not None:
    for arguments in calls:
        call(function, arguments)
leave(0)
`
