/** What goes wrong behind the openai package, and behind a bare fetch, as the errors of the guard. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { setTimeout as sleep } from "node:timers/promises"
import OpenAI, { APIUserAbortError } from "openai"
import { fetch } from "undici"
import * as Guard from "../../src/engine/AsyncGuard.ts"
import type { FailKind } from "../../src/liveness/FailKind.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"

const simulator = ManagedRuntime.make(
  Simulator.layer({ host: "127.0.0.1", port: 0, timeToFirstTokenMillis: 1, interTokenMillis: 0.2 })
)
let baseURL = ""
beforeAll(async () => {
  baseURL = `${(await simulator.runPromise(Simulator)).url}/v1`
})
afterAll(() => simulator.dispose())

const policy = { limits: { tickMillis: 10, finishGraceMillis: 50 } }
const body = {
  model: "simulated-model",
  max_tokens: 8,
  messages: [{ role: "user" as const, content: "Say something." }],
  stream: true as const
}

/** By the package. */
const byPackage = (fault: string, signal?: AbortSignal) => {
  const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, logLevel: "off" })
  return Guard.guard(
    (own) => client.chat.completions.create(body, { signal: own, headers: { "x-sim-fault": fault } }),
    { classify: Guard.chatCompletionChunks, policy, endpoint: baseURL, ...(signal === undefined ? {} : { signal }) }
  )
}

/** By the body of a response. */
const byFetch = (fault: string) =>
  Guard.guard(
    async (signal) => {
      const response = await fetch(`${baseURL}/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sim-fault": fault },
        body: JSON.stringify(body),
        signal
      })
      return response.body as AsyncIterable<Uint8Array>
    },
    { classify: Guard.chatCompletionBody, policy, endpoint: baseURL }
  )

const errorOf = async (iterable: AsyncIterable<unknown>): Promise<unknown> => {
  try {
    for await (const _ of iterable);
    return undefined
  } catch (error) {
    return error
  }
}

const idle = async () => {
  while ((await simulator.runPromise(Simulator.use(({ streams }) => streams))).length > 0) {
    await sleep(5)
  }
}

describe("a guarded stream of the openai package", () => {
  it("is whole where nothing is wrong, and also where its connection stays open behind its finish", async () => {
    assert.isUndefined(await errorOf(byPackage("none")))
    assert.isUndefined(await errorOf(byPackage("finish-then-open")))
    await idle()
  })

  const cases: ReadonlyArray<readonly [fault: string, kind: FailKind, status: number | null, retryable: boolean]> = [
    ["rejected:status=400", "rejected", 400, false],
    ["rate-limited:retry-after=2", "rate-limited", 429, true],
    ["queue-full", "unavailable", 503, true],
    ["server-error", "server-error", 500, true],
    ["connection-dropped", "connection-lost", null, true],
    ["connection-reset:after-tokens=2", "connection-lost", null, true],
    ["mid-stream-error:after-tokens=2", "mid-stream-error", 500, true],
    ["truncated:after-tokens=2", "truncated", null, true],
    ["done-without-finish:after-tokens=2", "truncated", null, true],
    ["malformed-json:after-tokens=2", "malformed", null, true],
    ["sleep-abort:after-tokens=2,for=0", "aborted-by-server", null, true]
  ]
  for (const [fault, kind, status, retryable] of cases) {
    it(`fails as ${kind} for ${fault}`, async () => {
      const error = await errorOf(byPackage(fault))
      assert.instanceOf(error, Guard.FailedError, String(error))
      assert.deepInclude(
        error,
        { kind, status, retryAfterMillis: kind === "rate-limited" ? 2000 : null },
        error.message
      )
      assert.strictEqual(Guard.isRetryable(error), retryable)
      assert.strictEqual(error.tokens > 0, fault.includes("after-tokens"))
      assert.strictEqual(error.cause === undefined, kind === "truncated" || kind === "aborted-by-server")
      if (kind === "rate-limited") assert.isAtLeast(Guard.retryDelayMillis([error]) ?? 0, 2000)
      assert.notInclude(error.message, "\n")
    })
  }

  it("ends as it would without a guard where the program aborts it by its own controller", async () => {
    const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, logLevel: "off" })
    const stream = await client.chat.completions.create(body, { headers: { "x-sim-fault": "slow-decode" } })
    const guarded = Guard.guard(stream, { classify: Guard.chatCompletionChunks, policy })
    void sleep(20).then(() => stream.controller.abort())
    assert.isUndefined(await errorOf(guarded))
    await idle()
  })

  it("hands on that the program itself has aborted a request, which is no failure of the engine", async () => {
    const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, logLevel: "off" })
    const aborted = { signal: AbortSignal.abort() }
    const guarded = Guard.guard(() => client.chat.completions.create(body, aborted), {
      classify: Guard.chatCompletionChunks,
      policy
    })
    assert.instanceOf(await errorOf(guarded), APIUserAbortError)
  })

  it("closes its connection when the loop is left, also while nothing comes", async () => {
    for await (const _ of byPackage("slow-decode")) break
    await idle()
    const reason = new Error("enough")
    assert.strictEqual(await errorOf(byPackage("headers-never", abortedSoon(reason))), reason)
    await idle()
  })
})

const abortedSoon = (reason: Error): AbortSignal => {
  const controller = new AbortController()
  void sleep(20).then(() => controller.abort(reason))
  return controller.signal
}

describe("a guarded body", () => {
  it("is judged by its bytes", async () => {
    assert.isUndefined(await errorOf(byFetch("none")))
    for (const whole of ["split-characters", "crlf", "byte-order-mark", "finish-without-done"]) {
      assert.isUndefined(await errorOf(byFetch(whole)), whole)
    }
    const cases = [
      ["mid-stream-error:after-tokens=2", "mid-stream-error"],
      ["truncated:after-tokens=2", "truncated"],
      ["connection-cut:after-tokens=2", "connection-lost"]
    ] as const
    for (const [fault, kind] of cases) {
      const error = await errorOf(byFetch(fault))
      assert.instanceOf(error, Guard.FailedError, String(error))
      assert.strictEqual(error.kind, kind)
    }
  })
})
