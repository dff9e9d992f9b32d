import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { confine, type Confined, confinementKinds, describeKind, type Host } from "../../src/grading/Confinement.ts"
import { findPython, readHost } from "../../src/grading/HostTools.ts"
import { runToEnd } from "../../src/grading/NodeChildProcess.ts"
import { listener, secretFile, withLeftovers } from "./processes.ts"

const host: Host = {
  bubblewrap: "/usr/bin/bwrap",
  isRoot: false,
  system: [{ path: "/usr", link: undefined }, { path: "/lib", link: "usr/lib" }],
  mountPoints: ["/mnt", "/tmp"]
}

const confined: Confined = {
  executable: "/opt/my node/bin/node",
  arguments: ["--eval", "it's"],
  readable: [{ path: "/opt/my node/bin/node", isDirectory: false }, { path: "/usr/lib/python", isDirectory: true }],
  processes: 7,
  identity: 1_500_000_001
}

const argumentsOf = (kind: (typeof confinementKinds)[number], given = host) => confine(kind, given, confined).arguments

const includesInOrder = (all: ReadonlyArray<string>, part: ReadonlyArray<string>) =>
  assert.include(`\n${all.join("\n")}\n`, `\n${part.join("\n")}\n`)

describe("Confinement", () => {
  it("asks bubblewrap for a world without network, processes and files", () => {
    const command = confine("bubblewrap", host, confined)
    assert.strictEqual(command.executable, "/usr/bin/bwrap")
    for (const flag of ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-user", "--die-with-parent"]) {
      assert.include(command.arguments, flag)
    }
    includesInOrder(command.arguments, ["--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib"])
    includesInOrder(command.arguments, ["--perms", "0755", "--dir", "/opt/my node/bin"])
    includesInOrder(command.arguments, ["--ro-bind", "/opt/my node/bin/node", "/opt/my node/bin/node"])
    assert.notInclude(command.arguments, "--bind")
    assert.notInclude(command.arguments, "--cap-add")
  })

  it("binds nothing twice that the system's directories hold", () => {
    for (const kind of ["bubblewrap", "namespaces"] as const) {
      assert.notInclude(argumentsOf(kind).join("\n"), "/usr/lib/python")
    }
  })

  it.each(["bubblewrap", "namespaces"] as const)(
    "gives up every privilege behind %s before the program begins",
    (kind) => {
      const drop = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
      const program = ["prlimit", "--nproc=7", "--", confined.executable, ...confined.arguments]
      includesInOrder(argumentsOf(kind), drop)
      assert.deepStrictEqual(argumentsOf(kind).slice(-program.length), program)
      assert.notInclude(argumentsOf(kind).join("\n"), "--reuid")
      includesInOrder(argumentsOf(kind, { ...host, isRoot: true }), [
        "--reuid=1500000001",
        "--regid=1500000001",
        "--clear-groups",
        ...drop
      ])
    }
  )

  it("hides nothing that the program needs behind the new file system", () => {
    const inMnt = { ...confined, readable: [{ path: "/mnt/node", isDirectory: false }] }
    const script = confine("namespaces", host, inMnt).arguments.join("\n")
    assert.include(script, "none '/tmp'")
    assert.include(argumentsOf("namespaces").join("\n"), "none '/mnt'")
  })

  it("adds nothing where there are no walls", () => {
    assert.deepStrictEqual(confine("limits", host, confined), {
      executable: confined.executable,
      arguments: confined.arguments
    })
  })

  it.effect.prop("any path stays one word of the script", [Schema.String], ([name]) =>
    Effect.gen(function*() {
      const path = `/opt/${name.replaceAll("\0", "").replaceAll("/", "").toWellFormed()}`
      const args = confine("namespaces", host, { ...confined, readable: [{ path, isDirectory: true }] }).arguments
      const script = args[args.indexOf("-c") + 1] ?? ""
      const line = script.slice(script.indexOf("mkdir -p './opt"), script.indexOf("\nmount --bind '/opt"))
      const end = yield* runToEnd({
        executable: "/bin/sh",
        arguments: ["-c", line.replace("mkdir -p", "printf %s")],
        input: "",
        wallLimit: Duration.seconds(10),
        outputBytes: 100_000,
        errorOutputBytes: 1_000
      })
      assert.strictEqual(end.output, `.${path}`)
    }), { arbitrary: { runs: 40 } })

  it("has a word for every kind", () => {
    for (const kind of confinementKinds) assert.notStrictEqual(describeKind[kind], "")
  })
})

/** Programs without any fence of their own, so that only the walls are in their way. */
const own = readHost()

const behind = (
  kind: (typeof confinementKinds)[number],
  program: Pick<Confined, "executable" | "arguments" | "readable">,
  seconds = 10
) =>
  runToEnd({
    ...confine(kind, own, { ...program, processes: 32, identity: 1_400_000_000 + (process.pid % 65_536) }),
    input: "",
    wallLimit: Duration.seconds(seconds),
    outputBytes: 10_000,
    errorOutputBytes: 1_000
  })

const inNode = (code: string) => ({
  executable: process.execPath,
  arguments: ["--input-type=module", "--eval", code],
  readable: [{ path: process.execPath, isDirectory: false }]
})

const inPython = (code: string) =>
  Effect.map(findPython("python3"), ({ executable, library, shared }) => ({
    executable,
    arguments: ["-I", "-S", "-B", "-c", code],
    readable: [
      { path: executable, isDirectory: false },
      ...[...library, ...shared].map((path) => ({ path, isDirectory: true }))
    ]
  }))

const works = (kind: (typeof confinementKinds)[number]) =>
  Effect.runPromise(
    behind(kind, inNode("console.log('ready')")).pipe(
      Effect.map((end) => end.output === "ready\n"),
      Effect.orElseSucceed(() => false)
    )
  )
const hasPython = await Effect.runPromise(Effect.isSuccess(findPython("python3")))
const wallKinds = process.platform === "linux" ? (["bubblewrap", "namespaces"] as const) : []

/** Whether this machine lets us have namespaces at all, asked without any of our own code. */
const succeeds = (command: string, options: ReadonlyArray<string>) => spawnSync(command, options).status === 0
const letsUnshare = process.platform === "linux"
  && ["setpriv", "prlimit", "pivot_root"].every((tool) => succeeds(tool, ["--version"]))
  && succeeds("unshare", [
    "--mount",
    "--net",
    "--pid",
    "--fork",
    ...(own.isRoot ? [] : ["--user", "--map-root-user"]),
    "true"
  ])

describe.skipIf(!letsUnshare)("the walls of namespaces, where this machine allows namespaces", () => {
  it.live("can be built", () =>
    Effect.gen(function*() {
      const end = yield* behind("namespaces", inNode("console.log('ready')"))
      assert.deepStrictEqual([end.output, end.errorOutput], ["ready\n", ""])
    }))
})

for (const kind of wallKinds) {
  const isThere = (kind === "namespaces" || own.bubblewrap !== undefined) && await works(kind)

  describe.skipIf(!isThere)(`the walls of ${kind} (where this machine can build them)`, () => {
    it.live("hide the files of this machine, and cannot be written to", () =>
      Effect.gen(function*() {
        const { file } = yield* secretFile
        const end = yield* behind(
          kind,
          inNode(`import * as fs from "node:fs"
            const attempt = (work) => { try { return work() } catch (error) { return error.code } }
            console.log(JSON.stringify([
              attempt(() => fs.readFileSync("/etc/passwd", "utf8")),
              attempt(() => fs.readFileSync(${JSON.stringify(file)}, "utf8")),
              attempt(() => fs.writeFileSync("/written", "")),
              attempt(() => fs.writeFileSync("/usr/written", "")),
              attempt(() => fs.readdirSync("/proc")),
              process.env, process.cwd(), process.pid
            ]))`)
        )
        assert.deepStrictEqual(JSON.parse(end.output), [
          "ENOENT",
          "ENOENT",
          "EROFS",
          "EROFS",
          "ENOENT",
          {},
          "/",
          1
        ])
      }))

    it.live("keep the network away", () =>
      Effect.gen(function*() {
        const { connections, port } = yield* listener
        const end = yield* behind(
          kind,
          inNode(`import { connect } from "node:net"
            connect(${port}, "127.0.0.1").on("error", (error) => console.log(error.code))
              .on("connect", () => { console.log("connected"); process.exit() })`)
        )
        assert.include(["ENETUNREACH\n", "ECONNREFUSED\n"], end.output)
        assert.strictEqual(connections(), 0)
      }))

    it.live("let nobody kill what is outside, nor itself from inside", () =>
      Effect.gen(function*() {
        const end = yield* behind(
          kind,
          inNode(
            `const kill = (pid) => { try { return process.kill(pid, "SIGKILL") } catch (error) { return error.code } }
            console.log(JSON.stringify([kill(${process.pid}), kill(-1), kill(process.pid)]))`
          )
        )
        assert.deepStrictEqual(JSON.parse(end.output), ["ESRCH", "ESRCH", true])
        assert.strictEqual(end.exitCode, 0)
      }))

    it.live.skipIf(!hasPython)("bound a fork bomb, and bury what it left", () =>
      Effect.gen(function*() {
        const program = yield* inPython(`import os, time
count = 0
try:
    while count < 100:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        count += 1
except OSError as error:
    print(count < 32, error.errno == 11, flush=True)
time.sleep(0.3)`)
        const { left, result, started } = yield* withLeftovers(behind(kind, program))
        assert.strictEqual(result.output, "True True\n")
        assert.isAbove(started.length, 20)
        assert.deepStrictEqual(left, [])
      }))

    it.live.skipIf(!hasPython)("end with all that is in them at the limit of the run", () =>
      Effect.gen(function*() {
        const program = yield* inPython(`import os, time
for i in range(5):
    if os.fork() == 0:
        os.setsid()
        break
time.sleep(60)`)
        const { left, result, started } = yield* withLeftovers(behind(kind, program, 1))
        assert.strictEqual(result.stopped, "wall-limit")
        assert.isAbove(started.length, 5)
        assert.deepStrictEqual(left, [])
      }))

    it.live.skipIf(!hasPython)("leave no privilege", () =>
      Effect.gen(function*() {
        const program = yield* inPython(`import os
def attempt(work):
    try:
        return work() or "done"
    except OSError as error:
        return type(error).__name__
print(attempt(lambda: os.setuid(5)), attempt(lambda: os.chroot("/usr")), attempt(lambda: os.mknod("/usr/x", 0o20666)))`)
        const end = yield* behind(kind, program)
        assert.strictEqual(end.output, "PermissionError PermissionError OSError\n")
      }))
  })
}
