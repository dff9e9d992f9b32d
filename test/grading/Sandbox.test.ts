import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { confinementKinds } from "../../src/grading/Confinement.ts"
import { GradingError } from "../../src/grading/GradingError.ts"
import { sameJson } from "../../src/grading/JsonEquality.ts"
import { runToEnd } from "../../src/grading/NodeChildProcess.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import { defaultLimits, type SandboxLimits } from "../../src/grading/SandboxLimits.ts"
import { nodeFlags } from "../../src/grading/SandboxRuntime.ts"

const shortLimits: Partial<SandboxLimits> = { callMillis: 300 }

const run = (
  code: string,
  calls: ReadonlyArray<ReadonlyArray<unknown>>,
  limits: Partial<SandboxLimits> = shortLimits
) => Sandbox.use((sandbox) => sandbox.run({ code, functionName: "f", calls, limits }))

const details = (outcomes: ReadonlyArray<{ readonly _tag: string; readonly detail?: string }>) =>
  outcomes.map((outcome) => `${outcome._tag}: ${outcome.detail ?? ""}`)

const attempt = (code: string) =>
  runToEnd({
    executable: process.execPath,
    arguments: [
      ...nodeFlags(defaultLimits),
      "--input-type=module",
      "--eval",
      `process.stdout.write(String(await (async () => { ${code} })().catch((error) => error.code ?? error.name)))`
    ],
    input: "",
    wallLimit: Duration.seconds(10),
    memoryMegabytes: 2_048,
    cpuSeconds: 10,
    outputBytes: 1_000,
    errorOutputBytes: 1_000
  }).pipe(Effect.map((end) => end.output))

const reasonOf = <A>(effect: Effect.Effect<A, GradingError, Sandbox>) =>
  Effect.flip(effect).pipe(Effect.map((error) => error.reason))

const first = (code: string) => Effect.map(run(code, [[]]), (outcomes) => details(outcomes)[0] ?? "")

/** The live clock: a real process does not follow the test clock. */
layer(Sandbox.layer, { excludeTestServices: true })("Sandbox", (it) => {
  describe("returns what the function returns", () => {
    it.effect("of every kind of JSON", () =>
      Effect.gen(function*() {
        const values = [null, true, -1.5, 1e300, "text", "line\nbreak \u2028 \ud83d\ude00 \u0000", [], [1, [2]], {
          a: { b: [] }
        }]
        const outcomes = yield* run("const f = (value) => value", values.map((value) => [value]))
        assert.deepStrictEqual(outcomes, values.map((value) => ({ _tag: "Returned", value })))
      }))

    it.effect.prop(
      "any JSON value comes back as it is",
      [Schema.Array(Schema.Json)],
      ([values]) =>
        Effect.gen(function*() {
          const outcomes = yield* run("function f(...values) { return values }", [values])
          assert.isTrue(sameJson(outcomes, [{ _tag: "Returned", value: values }]))
        }),
      { arbitrary: { runs: 15 } }
    )

    it.effect("keeps state between calls, in order", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("let n = 0; function f(by) { n += by; return n }", [[1], [2], [3]])
        assert.deepStrictEqual(outcomes, [1, 3, 6].map((value) => ({ _tag: "Returned", value })))
      }))

    it.effect("whichever way the function is defined", () =>
      Effect.gen(function*() {
        const definitions = [
          "function f() { return 7 }",
          "const f = () => 7",
          "var f = function() { return 7 }",
          "f = () => 7",
          "module.exports = { f: () => 7 }",
          "module.exports = () => 7",
          "exports.f = () => 7",
          "const module = 1, exports = 2, console = 3, f = () => 7",
          // what follows the definition may need things that only a whole Node has
          "function f() { return 7 } console.log(f()); process.stdin.on('data', f)"
        ]
        for (const code of definitions) {
          assert.deepStrictEqual(yield* run(code, [[]]), [{ _tag: "Returned", value: 7 }], code)
        }
      }))

    it.effect("from TypeScript", () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox
        const code = "const f = <A extends number>(value: A, more?: string): number => (value as number) + 1"
        const outcomes = yield* sandbox.run({ code, language: "typescript", functionName: "f", calls: [[1]] })
        assert.deepStrictEqual(outcomes, [{ _tag: "Returned", value: 2 }])
        const broken = yield* sandbox.run({
          code: "const f: = 1",
          language: "typescript",
          functionName: "f",
          calls: [[1]]
        })
        assert.match(details(broken)[0] ?? "", /^NotRun: syntax error/)
      }))

    it.effect("makes no calls if there are none", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* run("function f() {}", []), [])
      }))
  })

  describe("says what is not JSON", () => {
    it.effect.each(
      [
        ["undefined", "undefined"],
        ["NaN", "NaN"],
        ["[1, -1 / 0]", "-Infinity"],
        ["() => 1", "a function"],
        ["Symbol('a')", "a symbol"],
        ["[undefined]", "an array that contains undefined"],
        ["[,1]", "an array that contains undefined"],
        ["10n", "BigInt"],
        ["(() => { const a = []; a.push(a); return a })()", "circular"],
        ["Promise.resolve(1)", "a promise"],
        ["(async () => 1)()", "a promise"],
        ["new Promise(() => {})", "a promise"],
        ["import('node:fs')", "a promise"],
        ["new Proxy({}, { ownKeys() { throw new Error('trap') } })", "trap"],
        ["({ get a() { throw new Error('getter') } })", "getter"],
        ["({ toJSON() { throw { get message() { throw 1 } } } })", "something that cannot be read"],
        ["'x'.repeat(2e6)", "too much"]
      ] as const
    )("%s", ([expression, expected]) =>
      Effect.gen(function*() {
        const outcomes = yield* run(`const f = () => (${expression})`, [[]])
        assert.strictEqual(outcomes[0]?._tag, "NotJson")
        assert.include(details(outcomes)[0], expected)
      }))
  })

  describe("bounds an answer", () => {
    it.effect("that loops for ever in the function: only that call is lost", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("function f(x) { while (x) {} return 1 }", [[false], [true], [false]])
        assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), ["Returned", "TimedOut", "Returned"])
      }))

    it.effect("that loops for ever at the top level", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("function f() {} for (;;);", [[], []])
        const expected = "NotRun: the answer did not finish loading within 300 ms"
        assert.deepStrictEqual(details(outcomes), [expected, expected])
      }))

    it.effect("that catches whatever is thrown", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("function f() { for (;;) { try { for (;;); } catch {} finally { continue } } }", [
          []
        ])
        assert.deepStrictEqual(details(outcomes), ["TimedOut: no result within 300 ms"])
      }))

    it.effect("whose result loops for ever when it is read", () =>
      Effect.gen(function*() {
        const code = `function f(kind) {
          if (kind === "getter") return { get a() { for (;;); } }
          if (kind === "proxy") return new Proxy([], { get() { for (;;); } })
          if (kind === "error") throw { get message() { for (;;); } }
          return { toJSON() { for (;;); } }
        }`
        const outcomes = yield* run(code, [["getter"], ["proxy"], ["error"], ["toJSON"]])
        assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), Array.from({ length: 4 }, () => "TimedOut"))
      }))

    it.effect("that blocks inside a built-in function, which no timeout of the context can end", () =>
      Effect.gen(function*() {
        const code = "function f(x) { return x ? [].indexOf.call({ length: 2 ** 53 - 1 }, 1) : 1 }"
        const [duration, outcomes] = yield* Effect.timed(
          run(code, [[false], [true], [false]], { callMillis: 300, wallMillis: 1_500 })
        )
        assert.deepStrictEqual(details(outcomes), [
          "Returned: ",
          "TimedOut: the limit of the whole run was reached",
          "NotRun: an earlier call ended the run"
        ])
        assert.isBelow(Duration.toMillis(duration), 3_000)
      }))

    it.effect("that takes long in every call", () =>
      Effect.gen(function*() {
        const calls = Array.from({ length: 30 }, () => [])
        const outcomes = yield* run("function f() { for (;;); }", calls, { callMillis: 200, wallMillis: 1_500 })
        assert.strictEqual(outcomes.length, 30)
        assert.strictEqual(outcomes[0]?._tag, "TimedOut")
        assert.strictEqual(outcomes[29]?._tag, "NotRun")
      }))

    it.effect("that allocates objects without bound", () =>
      Effect.gen(function*() {
        const code = "function f(x) { const a = []; while (x) a.push({ x }); return 1 }"
        const outcomes = yield* run(code, [[false], [true], [false]], { callMillis: 5_000 })
        assert.deepStrictEqual(details(outcomes), [
          "Returned: ",
          "Threw: it ran out of memory",
          "NotRun: an earlier call ended the run"
        ])
      }))

    it.effect("that allocates buffers without bound", () =>
      Effect.gen(function*() {
        const code = "function f() { const a = []; for (;;) a.push(new Uint8Array(1e8).fill(1)) }"
        const [outcome] = yield* run(code, [[]], { callMillis: 8_000, memoryMegabytes: 1_024 })
        assert.strictEqual(outcome?._tag, "Threw")
      }))

    it.effect("that recurses without bound", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("function f() { return f() }", [[]])
        assert.deepStrictEqual(details(outcomes), ["Threw: RangeError: Maximum call stack size exceeded"])
      }))

    it.effect("that prints without bound", () =>
      Effect.gen(function*() {
        const outcomes = yield* run("function f() { for (let i = 0; i < 1e6; i++) console.log('spam'); return 1 }", [
          []
        ])
        assert.deepStrictEqual(outcomes, [{ _tag: "Returned", value: 1 }])
      }))

    it.effect("whose results are too large together", () =>
      Effect.gen(function*() {
        const calls = Array.from({ length: 20 }, () => [])
        const outcomes = yield* run("function f() { return 'x'.repeat(9e4) }", calls)
        assert.strictEqual(outcomes[10]?._tag, "Returned")
        assert.strictEqual(outcomes[19]?._tag, "NotJson")
      }))
  })

  describe("reports an answer", () => {
    it.effect("that throws", () =>
      Effect.gen(function*() {
        const code = `const things = [new TypeError("no"), "text", 1n, Symbol("s"), null, undefined, {}, () => 1,
          new Proxy({}, { get() { throw 1 } }), new Error("x".repeat(1e6))]
        function f(index) { throw things[index] }`
        const outcomes = yield* run(code, Array.from({ length: 10 }, (_, index) => [index]))
        assert.deepStrictEqual(
          details(outcomes).slice(0, 9),
          [
            "Threw: TypeError: no",
            "Threw: text",
            "Threw: 1",
            "Threw: a symbol",
            "Threw: null",
            "Threw: undefined",
            "Threw: an object",
            "Threw: a function",
            "Threw: something that cannot be read"
          ]
        )
        assert.isBelow((details(outcomes)[9] ?? "").length, 300)
      }))

    it.effect("with a syntax error, without the function, or with something else of that name", () =>
      Effect.gen(function*() {
        assert.match(yield* first("function f( {"), /^NotRun: syntax error: /)
        assert.match(yield* first("import x from 'y'; function f() {}"), /^NotRun: syntax error: /)
        assert.strictEqual(yield* first("function g() {}"), "NotRun: the answer defines no function named f")
        assert.strictEqual(yield* first("const f = 1"), "NotRun: the answer defines no function named f")
        assert.strictEqual(yield* first("module.exports = null"), "NotRun: the answer defines no function named f")
        assert.strictEqual(
          yield* first("throw new Error('top'); const f = () => 1"),
          "NotRun: the answer defines no function named f (loading it threw Error: top)"
        )
        assert.match(yield* first("throw { get message() { for (;;); } }"), /no function named f/)
        assert.match(yield* first("class f {}"), /^Threw: TypeError/)
      }))
  })

  describe("keeps an answer in", () => {
    it.effect.each([
      "this.constructor.constructor('return process')().exit(0)",
      "(() => {}).constructor('return process')()",
      "eval('1')",
      "new Function('return 1')()",
      "process.exit(0)",
      "require('node:fs')",
      "globalThis.constructor.constructor('return this')()",
      "module.constructor.constructor('return process')()",
      "console.log.constructor('return process')()",
      "__campaign.call.constructor('return process')()",
      "__campaign.call = 1; 'use strict'; Object.defineProperty(globalThis, '__campaign', { value: 1 })",
      "Error.prepareStackTrace = (_, frames) => frames.map((frame) => frame.getThis()).find((it) => it && it.process).process.exit(0); new Error().stack",
      "Error.prepareStackTrace = (_, frames) => frames.map((frame) => frame.getFunction()).find((it) => it).constructor('return process')().exit(0); new Error().stack",
      "fetch('http://127.0.0.1')",
      "new SharedArrayBuffer(1)",
      "WebAssembly.compile"
    ])("%s", (attempt) =>
      Effect.gen(function*() {
        const outcomes = yield* run(`function f(escape) { if (escape) { ${attempt} } return 1 }`, [[false], [true], [
          false
        ]])
        assert.deepStrictEqual(outcomes.map(({ _tag }) => _tag), ["Returned", "Threw", "Returned"])
        assert.notInclude(details(outcomes)[1], "ended the process")
      }))

    it.effect("that patches what the grader might use", () =>
      Effect.gen(function*() {
        const code = `
          const forged = () => "forged"
          JSON.stringify = JSON.parse = forged
          Reflect.apply = Function.prototype.call = Function.prototype.apply = forged
          Array.isArray = () => true
          Array.prototype.map = Array.prototype.push = Array.prototype.join = forged
          Array.prototype[Symbol.iterator] = function*() { yield "forged" }
          String.prototype.slice = String.prototype.toString = forged
          Object.prototype.get = Object.prototype.value = "forged"
          Object.freeze = Object.defineProperty = forged
          Promise.prototype.then = forged
          Object.defineProperty(Promise, Symbol.hasInstance, { value: () => true })
          console = null; module = null; exports = null
          globalThis.__campaign = { call: () => 'R"forged"' }
          function f(value) { if (value === "throw") throw "thrown"; return value }`
        const outcomes = yield* run(code, [[[1, 2]], [{ a: "b" }], ["throw"]])
        assert.deepStrictEqual(outcomes, [
          { _tag: "Returned", value: [1, 2] },
          { _tag: "Returned", value: { a: "b" } },
          { _tag: "Threw", detail: "thrown" }
        ])
        const shadowed = yield* run("const __campaign = 1; function f() { return 1 }", [[]])
        assert.match(details(shadowed)[0] ?? "", /^NotRun: .*'__campaign' has already been declared/)
      }))

    it.effect("and its own toJSON changes its own result only", () =>
      Effect.gen(function*() {
        const code = "Object.prototype.toJSON = () => 'all'; function f(value) { return value }"
        const outcomes = yield* run(code, [[{}], [[1]]])
        assert.deepStrictEqual(outcomes, [{ _tag: "Returned", value: "all" }, { _tag: "Returned", value: "all" }])
      }))

    it.effect("with no promise job and no timer ever run", () =>
      Effect.gen(function*() {
        const code = `let ran = false
          const loop = () => { ran = true; return Promise.resolve().then(loop) }
          function f() { Promise.resolve().then(loop); return [ran, typeof setTimeout] }`
        assert.deepStrictEqual(yield* run(code, [[], []]), [
          { _tag: "Returned", value: [false, "undefined"] },
          { _tag: "Returned", value: [false, "undefined"] }
        ])
      }))
  })

  describe("confines the process", () => {
    it.effect("even if an answer left the context", () =>
      Effect.gen(function*() {
        const denied = "ERR_ACCESS_DENIED"
        assert.strictEqual(
          yield* attempt("return (await import('node:fs')).readFileSync('/etc/hostname', 'utf8')"),
          denied
        )
        assert.strictEqual(
          yield* attempt("return (await import('node:fs')).writeFileSync('a2a-campaign-escape', '')"),
          denied
        )
        assert.strictEqual(yield* attempt("return (await import('node:child_process')).execSync('true')"), denied)
        assert.strictEqual(
          yield* attempt("return new (await import('node:worker_threads')).Worker('', { eval: true })"),
          denied
        )
        assert.strictEqual(yield* attempt("return eval('1')"), "EvalError")
        assert.strictEqual(yield* attempt("return JSON.stringify([process.env, process.cwd()])"), "[{},\"/\"]")
      }))
  })

  describe("tells its own failures from the answer's", () => {
    it.effect("a Node that does not exist, or is none", () =>
      Effect.gen(function*() {
        for (const nodePath of ["/nonexistent/node", "/bin/false", "/bin/cat"]) {
          const reason = yield* reasonOf(run("function f() {}", [[]])).pipe(
            Effect.provide(Sandbox.layerWith({ nodePath }), { local: true })
          )
          assert.strictEqual(reason._tag, "SandboxNotStarted", nodePath)
        }
      }))

    it.effect("no time to start", () =>
      Effect.gen(function*() {
        const reason = yield* reasonOf(run("function f() {}", [[]], { wallMillis: 1 }))
        assert.strictEqual(reason._tag, "SandboxNotStarted")
      }))

    it.effect("a task that cannot be graded", () =>
      Effect.gen(function*() {
        const sandbox = yield* Sandbox
        for (const functionName of ["", "a.b", "f()", "1f", "f\n"]) {
          const reason = yield* reasonOf(sandbox.run({ code: "", functionName, calls: [] }))
          assert.strictEqual(reason._tag, "InvalidSpecification")
        }
        const cyclic: Array<unknown> = []
        cyclic.push(cyclic)
        for (const argument of [1n, undefined, Number.NaN, cyclic]) {
          const reason = yield* reasonOf(run("function f() {}", [[argument]]))
          assert.strictEqual(reason._tag, "InvalidSpecification")
        }
      }))
  })
})

describe("Sandbox processes", () => {
  /** The sandbox processes of this test process that exist now. */
  const children = Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = `/proc/self/task/${process.pid}/children`
    const text = yield* files.readFileString(path).pipe(Effect.orElseSucceed(() => ""))
    return text.split(" ").filter((pid) => pid !== "")
  })

  /** The processor time that a process has had; the kernel counts it in hundredths of a second. */
  const cpuMillis = Effect.fnUntraced(function*(pid: string) {
    const files = yield* FileSystem.FileSystem
    const fields = (yield* files.readFileString(`/proc/${pid}/stat`)).split(") ")[1]?.split(" ") ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  })

  const endless = Sandbox.use((sandbox) =>
    sandbox.run({
      code: "function f() { return [].indexOf.call({ length: 2 ** 53 - 1 }, 1) }",
      functionName: "f",
      calls: [[]],
      limits: { callMillis: 60_000, wallMillis: 120_000 }
    })
  )

  it.live.skipIf(process.platform !== "linux")("are gone when an interruption returns", () =>
    Effect.gen(function*() {
      const before = new Set(yield* children)
      const fiber = yield* Effect.forkChild(endless, { startImmediately: true })
      yield* Effect.sleep("400 millis")
      const started = (yield* children).filter((pid) => !before.has(pid))
      assert.isNotEmpty(started)
      yield* Fiber.interrupt(fiber)
      const left = yield* children
      assert.isEmpty(started.filter((pid) => left.includes(pid)))
    }).pipe(Effect.provide([Sandbox.layer, NodeFileSystem.layer])))

  // What waits for the program behind walls leaves milder signals to it.
  for (const [signal, kinds] of [["SIGTERM", []], ["SIGKILL", []], ["SIGKILL", confinementKinds]] as const) {
    it.live.skipIf(process.platform !== "linux")(
      `that are killed from outside by ${signal} are an error, not a score (${kinds.length} kinds of walls)`,
      () =>
        Effect.gen(function*() {
          const before = new Set(yield* children)
          const fiber = yield* Effect.forkChild(Effect.flip(endless), { startImmediately: true })
          yield* Effect.sleep("400 millis")
          for (const pid of yield* children) if (!before.has(pid)) process.kill(Number(pid), signal)
          const error = yield* Fiber.join(fiber)
          assert.deepStrictEqual(error.reason, { _tag: "SandboxKilled", signal })
        }).pipe(Effect.provide([Sandbox.layerWith({ kinds }), NodeFileSystem.layer]))
    )
  }

  it.live.skipIf(process.platform !== "linux")(
    "that stood still when they should have run are no timeout",
    () =>
      Effect.gen(function*() {
        const before = new Set(yield* children)
        const starving = Effect.flip(run("function f() { for (;;); }", [[]], { callMillis: 3_000 }))
        const fiber = yield* Effect.forkChild(starving, { startImmediately: true })
        const started = (yield* children).filter((pid) => !before.has(pid))
        // far enough to be in the endless loop, on a busy machine too
        yield* cpuMillis(started[0] ?? "").pipe(
          Effect.delay("20 millis"),
          Effect.repeat({ until: (used) => used > 250 })
        )
        for (const pid of started) process.kill(Number(pid), "SIGSTOP")
        yield* Effect.sleep("4 seconds")
        for (const pid of started) process.kill(Number(pid), "SIGCONT")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.reason._tag, "SandboxStarved")
      }).pipe(Effect.provide([Sandbox.layerWith({ kinds: [] }), NodeFileSystem.layer]))
  )

  it.live("wait for their turn", () =>
    Effect.gen(function*() {
      // On a busy machine it ends by an error, but not before its time.
      const one = Effect.exit(run("function f() { for (;;); }", [[]], { callMillis: 300, wallMillis: 2_000 }))
      const [duration] = yield* Effect.timed(Effect.all([one, one, one], { concurrency: "unbounded" }))
      assert.isAtLeast(Duration.toMillis(duration), 900)
    }).pipe(Effect.provide(Sandbox.layerWith({ concurrency: 1 }))))

  it.effect("do not need the clock to finish", () =>
    Effect.gen(function*() {
      const outcomes = yield* run("const f = () => 1", [[]])
      assert.strictEqual(outcomes[0]?._tag, "Returned")
      yield* TestClock.adjust("1 hour")
    }).pipe(Effect.provide(Sandbox.layer)))
})
