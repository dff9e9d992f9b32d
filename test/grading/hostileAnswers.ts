/** Answers that attack their grader. Each is the body of a function `f` that should have returned 1. */

interface Place {
  /** A file that the answer must not see. */
  readonly file: string
  /** A port of loopback that the answer must not reach. */
  readonly port: number
}

type Hostile = Readonly<Record<string, (place: Place) => string>>

const javaScriptFunction = (body: string) => `function f() { ${body} }`

const javaScript: Hostile = {
  "loops": () => "for (;;);",
  "loops and catches": () => "for (;;) try { for (;;); } catch {} finally { continue }",
  "blocks in a built-in": () => "return [].indexOf.call({ length: 2 ** 53 - 1 }, 1)",
  "forks": () =>
    "const p = this.constructor.constructor('return process')(); for (;;) p.binding('spawn_sync').spawn({ file: '/bin/sleep', args: ['60'] })",
  "forks by a module": () => "for (;;) require('node:child_process').spawn('/bin/sleep', ['60'])",
  "allocates 10 GB of objects": () => "const a = []; for (;;) a.push({ a })",
  "allocates 10 GB at once": () => "return new Uint8Array(10 * 2 ** 30).fill(1).length",
  "allocates 10 GB of buffers": () => "const a = []; for (;;) a.push(new Uint8Array(1e8).fill(1))",
  "prints 1 GB": () => "for (let i = 0; i < 1e6; i++) console.log('x'.repeat(1000)); return 2",
  "returns 500 MB": () => "return 'x'.repeat(2 ** 29 - 100)",
  "reads": ({ file }) => `return require('node:fs').readFileSync(${JSON.stringify(file)}, 'utf8')`,
  "reads by a promise": () => "return import('node:fs').then((fs) => fs.readFileSync('/etc/passwd', 'utf8'))",
  "connects": ({ port }) => `return fetch('http://127.0.0.1:${port}')`,
  "connects by a module": ({ port }) => `return require('node:net').connect(${port}).constructor.name`,
  "kills its parent": () => "process.kill(process.ppid, 'SIGKILL')",
  "kills by a constructor": () =>
    "const p = (() => {}).constructor('return process')(); p.kill(p.ppid, 'SIGKILL'); return 2",
  "ends": () => "process.exit(0)"
}

const pythonFunction = (body: string) => ["def f():", ...body.split("\n").map((line) => `    ${line}`)].join("\n")

const python: Hostile = {
  "loops": () => "while True: pass",
  "loops and catches": () => "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
  "sleeps": () => "import time\ntime.sleep(1000)",
  "recurses": () => "return f()",
  "recurses too deep for the stack": () =>
    "import sys\nsys.setrecursionlimit(10**9)\ndef g(x): return [g((x, x))]\nreturn g(1)",
  "forks": () => "import os\nwhile True: os.fork()",
  "forks by posix": () => "import posix\nwhile True: posix.fork()",
  "forks by a new posix": () =>
    "import _imp\nspec = type('S', (), {'name': 'posix', 'origin': None})()\nwhile True: _imp.create_builtin(spec).fork()",
  "forks by a module": () => "import subprocess\nwhile True: subprocess.Popen(['/bin/sleep', '60'])",
  "starts threads": () =>
    "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
  "runs a shell": () => "import os\nreturn os.system('id')",
  "allocates 10 GB at once": () => "return len(bytearray(10 * 2**30))",
  "allocates 10 GB of objects": () => "a = []\nwhile True: a.append(bytearray(10**7))",
  "prints 1 GB": () => "for i in range(10**4): print('x' * 10**5)\nreturn 2",
  "writes 1 GB": () => "import os\nfor i in range(10**4): os.write(1, b'x' * 10**5)",
  "writes 1 GB by a new posix": () =>
    "import _imp\nposix = _imp.create_builtin(type('S', (), {'name': 'posix', 'origin': None})())\nwhile True: posix.write(1, b'x' * 10**5)",
  "returns 500 MB": () => "return 'x' * 2**29",
  "reads": ({ file }) => `return open(${JSON.stringify(file)}).read()`,
  "reads the users": () => "return open('/etc/passwd').read()",
  "reads by os": ({ file }) => `import os\nreturn os.read(os.open(${JSON.stringify(file)}, 0), 99).decode()`,
  "reads by io": ({ file }) => `import io\nreturn io.FileIO(${JSON.stringify(file)}).read().decode()`,
  "reads beside the library": ({ file }) =>
    `import os\nreturn open(os.path.dirname(os.__file__) + "/../../../../../../../../.." + ${
      JSON.stringify(file)
    }).read()`,
  "reads its grader's parent": () => "return open('/proc/1/environ').read()",
  "lists": () => "import os\nreturn os.listdir('/')",
  "writes": () => "open('/tmp/a2a-campaign-escape', 'w').write('x')",
  "connects": ({ port }) => `import socket\nreturn str(socket.create_connection(("127.0.0.1", ${port})))`,
  "connects by http": ({ port }) =>
    `import urllib.request\nreturn urllib.request.urlopen("http://127.0.0.1:${port}").read().decode()`,
  "connects by a lower module": ({ port }) =>
    `import _imp\nsocket = _imp.create_builtin(type('S', (), {'name': '_socket', 'origin': None})())\ns = socket.socket()\ns.connect(("127.0.0.1", ${port}))`,
  "kills its parent": () => "import os\nos.kill(os.getppid(), 9)",
  "kills everybody": () => "import os\nos.kill(-1, 9)",
  "kills its parent by a new posix": () =>
    "import _imp\nposix = _imp.create_builtin(type('S', (), {'name': 'posix', 'origin': None})())\nposix.kill(posix.getppid(), 9)",
  "uses C": () => "import ctypes\nreturn ctypes.string_at(0)",
  "ends": () => "import sys\nsys.exit(0)",
  "ends at once": () => "import os\nos._exit(0)",
  "throws what cannot be read": () =>
    "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E()",
  "writes results": () =>
    "import _imp\nposix = _imp.create_builtin(type('S', (), {'name': 'posix', 'origin': None})())\nposix.write(1, b'{\"_tag\":\"LoadTimedOut\",\"cpuMillis\":0,\"wallMillis\":9}\\n')\nreturn 2"
}

const fenced = (label: string, code: string) => `\`\`\`${label}\n${code}\n\`\`\``

/** Per language: the honest answer, and the hostile ones by name. */
export const hostileAnswers = {
  JavaScriptTests: {
    honest: fenced("js", javaScriptFunction("return 1")),
    hostile: Object.entries(javaScript).map(([name, body]) => ({
      name,
      answer: (place: Place) => fenced("js", javaScriptFunction(body(place)))
    }))
  },
  PythonTests: {
    honest: fenced("python", pythonFunction("return 1")),
    hostile: Object.entries(python).map(([name, body]) => ({
      name,
      answer: (place: Place) => fenced("python", pythonFunction(body(place)))
    }))
  }
}
