/**
 * The program that runs an answer: a process of its own, started by `Sandbox.ts`. Nobody imports this file; its text
 * is handed to `node --eval`, so that the process needs no right to read any file.
 *
 * Protocol: one JSON request on standard input; on standard output one JSON line `Ready` (from here on whatever goes
 * wrong is the answer's doing), then one line per call as soon as the call is over, or one line `Unusable` or
 * `LoadTimedOut` if no call can be made. `SandboxOutcome.ts` reads the lines.
 *
 * Laws:
 * - the answer lives in a `node:vm` context that holds no object of this realm; only texts cross the border;
 * - the answer's code runs only below a `vm` timeout, and this realm never looks inside a value of the answer;
 * - arguments are decoded and results are encoded in the context by functions captured before the answer was loaded,
 *   so patching `JSON` or `Array.prototype` cannot forge a result. Expected values never come here;
 * - no promise job ever runs: everything happens in one synchronous turn, and then the process exits.
 *
 * Gotchas: no imports but Node's own (there is no file to be relative to); `try` is needed here, there is no Effect.
 * Some built-ins never look at the timeout (`[].indexOf.call({ length: 2 ** 53 - 1 }, 1)`): the parent's limit ends them.
 */
import { readFileSync, writeSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as vm from "node:vm"

/** What the parent asks for. `callMillis` bounds the loading of the code and each call; `outputBytes` all results. */
interface Request {
  readonly code: string
  readonly language: "javascript" | "typescript"
  readonly functionName: string
  /** Per call: its arguments, as the text of a JSON array. */
  readonly calls: ReadonlyArray<string>
  readonly callMillis: number
  readonly outputBytes: number
}

// Kept under other names, since the globals are deleted before the answer is loaded.
const Bytes = Buffer
const clock = performance
const { cpuUsage, exit } = process

const emit = (line: string): void => {
  const bytes = Bytes.from(`${line}\n`)
  let written = 0
  while (written < bytes.length) written += writeSync(1, bytes, written)
}

const emitObject = (line: Readonly<Record<string, unknown>>): void => emit(JSON.stringify(line))

const harnessName = "__campaign"

/**
 * Runs inside the context before the answer (its source text is evaluated there, so it must not refer to anything
 * outside itself). Installs `console` (silent), `module` and `exports` for the answer, and for this program a frozen
 * object whose `call` returns one letter (Returned, Not JSON, Threw) followed by a text.
 */
function installHarness(name: string, functionName: string): void {
  "use strict"
  const { parse, stringify } = JSON
  const { apply, deleteProperty } = Reflect
  const { isArray } = Array
  const { slice } = String.prototype
  const { isPrototypeOf } = Object.prototype
  const promisePrototype = Promise.prototype
  const moduleObject: { exports: unknown } = { exports: {} }

  // Useless without other threads, and the one way to wait for ever without using the processor.
  for (const unwanted of ["Atomics", "SharedArrayBuffer", "WebAssembly"]) deleteProperty(globalThis, unwanted)

  const quietConsole: Record<string, () => undefined> = {}
  for (
    const method of [
      "assert",
      "clear",
      "count",
      "debug",
      "dir",
      "error",
      "group",
      "groupCollapsed",
      "groupEnd",
      "info",
      "log",
      "table",
      "time",
      "timeEnd",
      "timeLog",
      "trace",
      "warn"
    ]
  ) quietConsole[method] = () => undefined
  Object.assign(globalThis, { console: quietConsole, module: moduleObject, exports: moduleObject.exports })

  let target: unknown
  let thrown: unknown

  const describe = (error: unknown): string => {
    let text = "something that cannot be read"
    try {
      if (typeof error === "object" && error !== null) {
        const { message, name: errorName } = error as { name: unknown; message: unknown }
        text = (typeof errorName === "string" ? errorName : "an object")
          + (typeof message === "string" ? ": " + message : "")
      } else {
        text = typeof error === "symbol" || typeof error === "function" ? "a " + typeof error : "" + (error as string)
      }
    } catch { /* an error whose getters throw: the text above says so */ }
    return apply(slice, text, [0, 200])
  }

  const encode = (value: unknown): string => {
    if (typeof value === "object" && value !== null && apply(isPrototypeOf, promisePrototype, [value])) {
      return "Na promise (the function must return its result, not a promise of it)"
    }
    let problem = ""
    const text: string | undefined = stringify(value, function(this: unknown, _key: string, item: unknown): unknown {
      if (typeof item === "number" && item - item !== 0) problem = "" + item
      // JSON would quietly write null for these
      else if ((item === undefined || typeof item === "function" || typeof item === "symbol") && isArray(this)) {
        problem = "an array that contains " + (item === undefined ? "undefined" : "a " + typeof item)
      }
      return item
    })
    if (problem !== "") return "N" + problem
    if (text === undefined) return "N" + (value === undefined ? "undefined" : "a " + typeof value)
    return "R" + text
  }

  const harness = Object.freeze({
    __proto__: null,
    bind: (find: () => unknown): boolean => {
      try {
        target = find()
      } catch {
        target = undefined
      }
      if (typeof target === "function") return true
      try {
        const exported = moduleObject.exports as Record<string, unknown> | undefined
        target = typeof exported === "function" ? exported : exported?.[functionName]
      } catch {
        target = undefined
      }
      return typeof target === "function"
    },
    call: (argumentsText: string): string => {
      let value: unknown
      try {
        value = apply(target as () => unknown, undefined, parse(argumentsText) as ReadonlyArray<unknown>)
      } catch (error) {
        return "T" + describe(error)
      }
      try {
        return encode(value)
      } catch (error) {
        return "Nsomething that is not JSON: " + describe(error)
      }
    },
    keep: (error: unknown): void => {
      thrown = error
    },
    describeKept: (): string => describe(thrown)
  })
  Object.defineProperty(globalThis, name, { value: harness })
}

type Run =
  | { readonly _tag: "Value"; readonly value: unknown }
  | { readonly _tag: "Thrown"; readonly thrown: unknown }
  | { readonly _tag: "TimedOut"; readonly cpuMillis: number; readonly wallMillis: number }

const request = JSON.parse(readFileSync(0, "utf8")) as Request

const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, { codeGeneration: { strings: false, wasm: false } })

/**
 * A timeout is told from a throw by the time that passed, since looking into what was thrown could run the answer's
 * code. The processor time tells an endless loop from a machine that stood still.
 */
const run = (script: vm.Script, timeout: number): Run => {
  const cpuBefore = cpuUsage()
  const startedAt = clock.now()
  try {
    return { _tag: "Value", value: script.runInContext(context, { timeout, displayErrors: false }) }
  } catch (thrown) {
    const wallMillis = clock.now() - startedAt
    if (wallMillis < timeout - 5) return { _tag: "Thrown", thrown }
    const { system, user } = cpuUsage(cpuBefore)
    return { _tag: "TimedOut", cpuMillis: Math.round((user + system) / 1000), wallMillis: Math.round(wallMillis) }
  }
}

const runText = (text: string, timeout: number): Run => run(new vm.Script(text, { filename: "grader.js" }), timeout)

runText(
  `(${installHarness.toString()})(${JSON.stringify(harnessName)}, ${JSON.stringify(request.functionName)})`,
  request.callMillis
)
const harness = runText(harnessName, request.callMillis)
if (harness._tag !== "Value") throw new Error("the harness could not be installed")
const { keep } = harness.value as { readonly keep: (thrown: unknown) => void }

const describeThrown = (thrown: unknown): string => {
  keep(thrown)
  const described = runText(`${harnessName}.describeKept()`, 250)
  return described._tag === "Value" && typeof described.value === "string"
    ? described.value
    : "something that cannot be read"
}

const compile = (): vm.Script => {
  const source = request.language === "typescript"
    ? stripTypeScriptTypes(request.code, { mode: "strip" })
    : request.code
  return new vm.Script(source, { filename: "answer.js" })
}

/** Loads the answer; returns whether calls can be made, after having said why not. */
const load = (): boolean => {
  let script: vm.Script
  try {
    script = compile()
  } catch (error) {
    emitObject({ _tag: "Unusable", detail: `syntax error: ${error instanceof Error ? error.message : ""}` })
    return false
  }
  const loaded = run(script, request.callMillis)
  if (loaded._tag === "TimedOut") {
    emitObject({ ...loaded, _tag: "LoadTimedOut" })
    return false
  }
  const bound = runText(`${harnessName}.bind(() => ${request.functionName})`, request.callMillis)
  if (bound._tag === "Value" && bound.value === true) return true
  // A throw at the top level does not matter if the function is there: often it is an example that uses `process`.
  const cause = loaded._tag === "Thrown" ? ` (loading it threw ${describeThrown(loaded.thrown)})` : ""
  emitObject({ _tag: "Unusable", detail: `the answer defines no function named ${request.functionName}${cause}` })
  return false
}

let bytesLeft = request.outputBytes

const emitCall = (argumentsText: string): void => {
  const result = runText(`${harnessName}.call(${JSON.stringify(argumentsText)})`, request.callMillis)
  if (result._tag === "TimedOut") return emitObject(result)
  const text = result._tag === "Value" && typeof result.value === "string" ? result.value : ""
  const kind = text.slice(0, 1)
  const content = text.slice(1)
  if (kind === "R") {
    const bytes = Bytes.byteLength(content)
    if (bytes > bytesLeft) {
      return emitObject({ _tag: "NotJson", detail: `a result of ${bytes} bytes, which is too much` })
    }
    bytesLeft -= bytes
    // The content is JSON already: encoding it again would double it.
    return emit(`{"_tag":"Returned","value":${content}}`)
  }
  if (kind === "N") return emitObject({ _tag: "NotJson", detail: content })
  if (kind === "T") return emitObject({ _tag: "Threw", detail: content })
  emitObject({ _tag: "Threw", detail: "something that cannot be read" })
}

// Second line of defence, should an answer ever reach this realm: of what Node adds to JavaScript nothing stays in
// reach (--eval even offers every built-in module as a global, and not every Node version can deny the network).
const standard = new Set(Object.getOwnPropertyNames(context))
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (!standard.has(name)) Reflect.deleteProperty(globalThis, name)
}

emitObject({ _tag: "Ready" })
if (load()) request.calls.forEach(emitCall)
exit(0)
