/** Guarded streams of plain async programs: nothing is added to a loop but an end to it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { setTimeout as sleep } from "node:timers/promises"
import * as Guard from "../../src/engine/AsyncGuard.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"

const { guard, progress } = Guard

/** Nobody waits long here; what lives is given an hour. */
const policy = { stallLimitMillis: 60, limits: { tickMillis: 10 } }

/** Words, what asked for them, and whether they were let go of; they hang at "hang" and break at "bug". */
const wordsOf = (...words: ReadonlyArray<string>) => {
  const source = {
    asked: 0,
    closed: 0,
    words: async function*() {
      try {
        for (const word of words) {
          source.asked++
          if (word === "hang") await new Promise(() => {})
          if (word === "bug") throw new TypeError("a bug of the program")
          yield word
        }
        source.asked++
      } finally {
        source.closed++
      }
    }
  }
  return source
}

const classify = (word: string) => word === "end" ? Guard.finish() : progress()

/** What a loop gets, and what it then throws. */
const loop = async <A>(iterable: AsyncIterable<A>) => {
  const seen: Array<A> = []
  try {
    for await (const element of iterable) seen.push(element)
    return { seen, error: undefined }
  } catch (error) {
    return { seen, error }
  }
}

const stalledOf = (error: unknown): Guard.StalledError => {
  assert.instanceOf(error, Guard.StalledError)
  return error
}

describe("a guarded loop", () => {
  it.effect.prop("gets the elements, one for one, and whatever the source then throws", [
    Schema.Array(Schema.Unknown),
    Schema.Literals(["end", "throw"])
  ], ([elements, end]) =>
    Effect.promise(async () => {
      const thrown = { not: "even an error" }
      const source = async function*() {
        yield* elements
        if (end === "throw") throw thrown
      }
      const { error, seen } = await loop(guard(source(), { classify: () => progress(), endWithoutFinish: "finished" }))
      assert.strictEqual(seen.length, elements.length)
      for (const [index, element] of elements.entries()) assert.isTrue(Object.is(seen[index], element))
      assert.strictEqual(error, end === "throw" ? thrown : undefined)
    }), { arbitrary: { runs: 100 } })

  it("reads nothing ahead of whoever asks, and answers questions in their turn", async () => {
    const source = wordsOf("a", "b", "c", "end")
    const iterator = guard(source.words(), { classify })[Symbol.asyncIterator]()
    assert.strictEqual(source.asked, 0)
    assert.deepStrictEqual(await iterator.next(), { done: false, value: "a" })
    assert.strictEqual(source.asked, 1)
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => iterator.next()))
    assert.deepStrictEqual(answers.map(({ value }) => value), ["b", "c", "end", undefined, undefined])
    assert.isTrue((await iterator.next()).done)
    assert.strictEqual(source.closed, 1)
  })

  it("answers everybody who has asked before the end, however it ends", async () => {
    const ended: IteratorResult<string> = { done: true, value: undefined }
    const thrown = guard(wordsOf("bug").words(), { classify })[Symbol.asyncIterator]()
    const [first, ...others] = await Promise.allSettled([1, 2, 3, 4].map(() => thrown.next()))
    assert.strictEqual(first!.status, "rejected")
    assert.deepStrictEqual(others, [1, 2, 3].map(() => ({ status: "fulfilled" as const, value: ended })))
    const left = guard(wordsOf("hang").words(), { classify })[Symbol.asyncIterator]()
    const asked = [1, 2, 3].map(() => left.next())
    await left.return!()
    assert.deepStrictEqual(await Promise.all(asked), [ended, ended, ended])
  }, 1000)

  it("closes the source when it is left", async () => {
    const source = wordsOf("a", "b", "end")
    for await (const _ of guard(source.words(), { classify })) break
    assert.strictEqual(source.closed, 1)
    const pending = guard(wordsOf("hang").words(), { classify })[Symbol.asyncIterator]()
    const asked = pending.next()
    await pending.return!()
    assert.isTrue((await asked).done)
  })

  it("calls a function anew for each loop, and aborts its signal when the loop is left, but not at a good end", async () => {
    const signals: Array<AbortSignal> = []
    const guarded = guard((signal) => {
      signals.push(signal)
      return Promise.resolve(wordsOf("a", "end").words())
    }, { classify })
    assert.deepStrictEqual((await loop(guarded)).seen, ["a", "end"])
    for await (const _ of guarded) break
    assert.deepStrictEqual(signals.map(({ aborted }) => aborted), [false, true])
  })

  it("gives a source up that hangs, having closed it by every way there is", async () => {
    const controller = new AbortController()
    const calls: Array<string> = []
    const hung = Object.assign(wordsOf("a", "hang").words(), { controller })
    const verdicts: Array<Verdict["_tag"]> = []
    const { error, seen } = await loop(guard((signal) => {
      signal.addEventListener("abort", () => calls.push("signal"))
      return hung
    }, {
      classify,
      policy,
      model: "m",
      attempt: 2,
      abort: () => void calls.push("abort"),
      onVerdict: ({ _tag }) => verdicts.push(_tag)
    }))
    const stalled = stalledOf(error)
    assert.deepStrictEqual(seen, ["a"])
    assert.deepStrictEqual(calls, ["signal", "abort"])
    assert.isTrue(controller.signal.aborted)
    assert.strictEqual(verdicts.at(-1), "Stalled")
    const { confidence, dropped, kind, limit, name, phase, proof, silenceMillis, tokens } = stalled
    assert.deepInclude({ confidence, dropped, kind, name, phase, proof, tokens }, {
      name: "StalledError",
      kind: "silent",
      confidence: "inferred",
      phase: "decoding",
      tokens: 1,
      proof: undefined,
      dropped: false
    })
    assert.deepInclude(limit, { name: "silent", millis: 60 })
    assert.isAtLeast(silenceMillis, 60)
    assert.match(
      stalled.message,
      /^no token from the engine for 0\.\d s \(limit 0\.1 s\), phase decoding, after 1 tokens/
    )
    assert.notInclude(stalled.message, "\n")
    assert.deepInclude(stalled.circumstances?.run, { model: "m", attempt: 2 })
  })

  it("gives a function up that never gives a stream", async () => {
    const { error } = await loop(guard(() => new Promise<AsyncIterable<string>>(() => {}), { classify, policy }))
    assert.instanceOf(error, Guard.FailedError)
    assert.strictEqual(error.kind, "connect-timeout")
  })

  it("closes a stream that comes when nobody waits for it any more, also where its abort throws", async () => {
    const calls: Array<string> = []
    const late = {
      controller: new AbortController(),
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<string>>(() => {}),
        return: async () => {
          calls.push("return")
          return { done: true as const, value: undefined }
        }
      })
    }
    const asked = Promise.withResolvers<AsyncIterable<string>>()
    const abort = () => {
      calls.push("abort")
      throw new Error("nothing to abort")
    }
    const iterator = guard(() => asked.promise, { classify, abort })[Symbol.asyncIterator]()
    const first = iterator.next()
    await iterator.return!()
    assert.isTrue((await first).done)
    assert.isFalse(late.controller.signal.aborted)
    asked.resolve(late)
    await sleep(1)
    assert.isTrue(late.controller.signal.aborted)
    assert.deepStrictEqual(calls, ["abort", "abort", "return"])
  })

  it("waits for one that is only slow, whose consumer is slow, or about which it shall only warn", async () => {
    const slow = async function*() {
      for (const word of ["a", "b", "end"]) {
        await sleep(30)
        yield word
      }
    }
    const patient = {
      stallLimitMillis: 60_000,
      limits: { tickMillis: 10, suspectFloorMillis: 10, suspectPriorMillis: 10 }
    }
    assert.deepStrictEqual((await loop(guard(slow(), { classify, policy: patient }))).seen, ["a", "b", "end"])
    const seen: Array<string> = []
    for await (const word of guard(wordsOf("a", "b", "end").words(), { classify, policy })) {
      seen.push(word)
      await sleep(150)
    }
    assert.deepStrictEqual(seen, ["a", "b", "end"])
    const verdicts: Array<Verdict["_tag"]> = []
    const warned = guard(wordsOf("a", "hang").words(), {
      classify,
      policy: { ...policy, stallPolicy: "warn" },
      onVerdict: ({ _tag }) => verdicts.push(_tag)
    })[Symbol.asyncIterator]()
    await warned.next()
    const asked = warned.next()
    while (!verdicts.includes("Stalled")) await sleep(5)
    await warned.return!()
    assert.isTrue((await asked).done)
  })

  it("ends with the reason of its signal, before it begins, while it waits, and between two elements", async () => {
    const reason = new Error("enough")
    const before = wordsOf("a")
    const aborted = loop(guard(before.words(), { classify, signal: AbortSignal.abort(reason) }))
    assert.strictEqual((await aborted).error, reason)
    assert.strictEqual(before.asked, 0)

    const waiting = new AbortController()
    const verdicts: Array<Verdict["_tag"]> = []
    const hung = loop(guard(wordsOf("a", "hang").words(), {
      classify,
      signal: waiting.signal,
      onVerdict: ({ _tag }) => verdicts.push(_tag)
    }))
    void sleep(10).then(() => waiting.abort(reason))
    assert.deepStrictEqual(await hung, { seen: ["a"], error: reason })
    assert.strictEqual(verdicts.at(-1), "Cancelled")

    const between = new AbortController()
    const source = wordsOf("a", "b", "end")
    const iterator = guard(source.words(), { classify, signal: between.signal })[Symbol.asyncIterator]()
    await iterator.next()
    between.abort(reason)
    assert.strictEqual(await iterator.next().then(() => "an element", (error) => error), reason)
    assert.strictEqual(source.closed, 1)
  })

  it("hands on what is no failure of the engine, and dies of a classifier that throws", async () => {
    const bug = await loop(guard(wordsOf("a", "bug").words(), { classify }))
    assert.deepStrictEqual(bug.seen, ["a"])
    assert.instanceOf(bug.error, TypeError)
    assert.isFalse(Guard.isRetryable(bug.error))
    // A code does not make it one of the network's.
    for (const code of ["ENOENT", "ERR_INVALID_URL", "ERR_ASSERTION", "UND_ERR_INVALID_ARG"]) {
      const own = Object.assign(new TypeError("Invalid URL"), { code })
      const { error } = await loop(guard(() => Promise.reject(own), { classify }))
      assert.strictEqual(error, own, code)
    }
    for (
      const code of [
        "ECONNRESET",
        "EPIPE",
        "UND_ERR_SOCKET",
        "ERR_STREAM_PREMATURE_CLOSE",
        "ERR_SSL_WRONG_VERSION_NUMBER"
      ]
    ) {
      const cut = Object.assign(new Error("cut"), { code })
      const { error } = await loop(guard(() => Promise.reject(cut), { classify }))
      assert.deepInclude(error, { kind: "connection-lost", cause: cut }, code)
    }
    const wrong = await loop(guard(wordsOf("a").words(), { classify: () => JSON.parse("{") }))
    assert.match(String(wrong.error), /the classifier of the watched stream has thrown: SyntaxError/)
    const nothing = await loop(guard(wordsOf("a").words(), { classify: (): any => null }))
    assert.match(String(nothing.error), /has thrown: .*it gave null for an element, and not what progress/)
    const uncalled = await loop(guard(wordsOf("a").words(), { classify: (): any => progress }))
    assert.match(String(uncalled.error), /has thrown: .*it gave a function for an element, and not what progress/)
    assert.throws(
      () => guard(wordsOf("a").words(), { classify, policy: { limits: { frozenFloorMillis: 400_000 } } }),
      /frozen-floor .* is above frozen-ceiling/
    )
  })

  it("fails where the stream ends without a finish, unless its elements cannot tell", async () => {
    const cut = await loop(guard(wordsOf("a").words(), { classify }))
    assert.instanceOf(cut.error, Guard.FailedError)
    assert.deepInclude(cut.error, { kind: "truncated", tokens: 1, status: null, name: "FailedError" })
    assert.isTrue(Guard.isRetryable(cut.error))
    const told = guard(wordsOf("a").words(), { classify, endWithoutFinish: "finished" })
    assert.deepStrictEqual(await loop(told), { seen: ["a"], error: undefined })
  })

  it("ends what lives only by a hard cap, and that is not tried again", async () => {
    const alive = async function*() {
      while (true) {
        await sleep(2)
        yield "a"
      }
    }
    // Outer hops would wait longer than the limits of silence, and the cap is to be longer than that.
    const capped = {
      stallLimitMillis: 100,
      hardCapMillis: 300,
      limits: { tickMillis: 10, heartbeatMillis: 100, nestedHeartbeats: 0, nestedSlackMillis: 50 }
    }
    const { error } = await loop(guard(alive(), { classify, policy: capped }))
    assert.instanceOf(error, Guard.SlowError)
    assert.strictEqual(error.limit.millis, 300)
    assert.isFalse(Guard.isRetryable(error))
  })
})

describe("the word of the retry table", () => {
  it("is a delay that grows, and none for what is not worth it", async () => {
    const { error } = await loop(guard(wordsOf("a").words(), { classify }))
    const first = Guard.retryDelayMillis([error]) ?? 0
    assert.isTrue(first >= 1000 && first <= 1200, String(first))
    const second = Guard.retryDelayMillis([error, error]) ?? 0
    assert.isTrue(second >= 2000 && second <= 2400, String(second))
    assert.isUndefined(Guard.retryDelayMillis([error, error, error]))
    assert.isDefined(Guard.retryDelayMillis([error, error, error], { attempts: 4 }))
    assert.isUndefined(Guard.retryDelayMillis([error, new Error("another")]))
    assert.isUndefined(Guard.retryDelayMillis([]))
  })
})
