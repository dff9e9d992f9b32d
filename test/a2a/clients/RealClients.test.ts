/** What every real client can do with an agent of ours, over a socket: the same for all of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Authenticator from "../../../src/a2a/Authenticator.ts"
import { type Dialed, dials, type SeenEvent } from "./support/dial.ts"
import { stage } from "./support/stage.ts"

const words = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ` ${from + index}`)
const finals = ["completed", "canceled", "failed", "rejected"]

const all = async (events: AsyncIterable<SeenEvent>): Promise<ReadonlyArray<SeenEvent>> => {
  const seen: Array<SeenEvent> = []
  for await (const event of events) seen.push(event)
  return seen
}

/** Reads a stream in the background: its events so far, and how to wait for so many, and for its end. */
const follow = Effect.fnUntraced(function*(events: AsyncIterable<SeenEvent>) {
  const seen: Array<SeenEvent> = []
  const grown = yield* Queue.unbounded<void>()
  const reading = yield* Effect.forkChild(
    Effect.promise(async () => {
      for await (const event of events) {
        seen.push(event)
        Queue.offerUnsafe(grown, undefined)
      }
    }),
    { startImmediately: true }
  )
  return {
    seen,
    until: (enough: (seen: ReadonlyArray<SeenEvent>) => boolean) =>
      Effect.gen(function*() {
        while (!enough(seen)) yield* Queue.take(grown)
      }).pipe(Effect.timeout("5 seconds")),
    ended: Effect.as(Effect.timeout(Fiber.join(reading), "5 seconds"), seen)
  }
})

/** The answer as a client has it that takes artifact updates as they are meant. */
const textOf = (events: ReadonlyArray<SeenEvent>): string => {
  let text = ""
  for (const event of events) {
    if (event.kind === "task") text = event.task!.answer.join("")
    if (event.kind === "artifact") text = event.append === true ? text + event.text : event.text!
  }
  return text
}

/** How a client says that a call failed: the name of what it throws, or of what that is because of. */
const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "nothing", (error: Error & { cause?: unknown }) => {
    const { cause } = error
    const told = cause instanceof Error ? cause : error
    return `${told.constructor.name} ${told.name}`
  })

for (const [name, dial] of dials) {
  const dialed = (url: string) => Effect.promise(() => dial(url))
  const told = <A>(call: () => Promise<A>) => Effect.promise(call)

  describe(`${name}`, () => {
    it.live("sends and gets the whole answer as one part", () =>
      Effect.gen(function*() {
        const client = yield* dialed((yield* stage()).url)
        const sent = yield* told(() => client.send({ text: "one two three" }))
        assert.deepInclude(sent, { state: "completed", answer: ["one two three"], history: ["one two three"] })
        assert.deepStrictEqual(yield* told(() => client.get(sent.id)), sent)
        const brief = yield* told(() => client.get(sent.id, 0))
        assert.deepStrictEqual(brief, { ...sent, history: [] })
      }))

    it.live("streams every word in order, from a task to a state that stays", () =>
      Effect.gen(function*() {
        const { line, say, url } = yield* stage()
        const client = yield* dialed(url)
        const stream = yield* follow(client.stream({ text: "flow" }))
        yield* stream.until((seen) => seen.length >= 2)
        for (const text of words(50)) yield* say(text)
        yield* stream.until((seen) => textOf(seen).length > 100)
        yield* say(...words(50, 50))
        yield* Queue.end(line)
        const seen = yield* stream.ended
        assert.deepInclude(seen[0], { kind: "task" })
        assert.deepInclude(seen[0]!.task, { state: "submitted", answer: [] })
        assert.strictEqual(textOf(seen), words(100).join(""))
        assert.deepInclude(seen.at(-1), { kind: "status", state: "completed" })
        assert.lengthOf(seen.filter(({ state = "" }) => finals.includes(state)), 1)
        const appended = seen.filter(({ kind, lastChunk }) => kind === "artifact" && lastChunk !== true)
        assert.deepStrictEqual(appended.map(({ append }) => append), appended.map((_, index) => index > 0))
        assert.strictEqual(appended.map(({ text }) => text).join(""), words(100).join(""))
        const isLegacy = client.name === "0.3"
        // Clients of 0.3 get the whole once more, and are told which event is the last.
        const replaced = seen.filter(({ lastChunk }) => lastChunk === true)
        assert.deepStrictEqual(
          replaced.map(({ append, text }) => ({ append, text })),
          isLegacy ? [{ append: false, text: words(100).join("") }] : []
        )
        if (isLegacy) assert.strictEqual(seen.at(-2), replaced[0])
        const lasts = seen.filter(({ kind }) => kind === "status").map(({ final }) => final)
        assert.deepStrictEqual(lasts, lasts.map((_, index) => isLegacy ? index === lasts.length - 1 : undefined))
      }))

    it.live("need not wait, and looks at the task as it grows", () =>
      Effect.gen(function*() {
        const { line, say, url } = yield* stage()
        const client = yield* dialed(url)
        const { id, state } = yield* told(() => client.send({ text: "flow" }, { waits: false }))
        assert.strictEqual(state, "working")
        yield* say("half")
        const looks = (text: string) =>
          Effect.repeat(told(() => client.get(id)), { until: ({ answer }) => answer.join("") === text })
        assert.strictEqual((yield* looks("half")).state, "working")
        yield* say(" whole")
        yield* Queue.end(line)
        yield* looks("half whole")
        const done = Effect.repeat(told(() => client.get(id)), { until: ({ state }) => state === "completed" })
        assert.deepStrictEqual((yield* done).answer, ["half whole"])
      }))

    it.live("subscribes to a task that flows: the snapshot and the rest are the whole", () =>
      Effect.gen(function*() {
        const { line, say, url } = yield* stage()
        const client = yield* dialed(url)
        const first = yield* follow(client.stream({ text: "flow" }))
        yield* say(...words(20))
        yield* first.until((seen) => textOf(seen).endsWith(" 19"))
        const { id } = first.seen[0]!.task!
        const second = yield* follow(client.subscribe(id))
        yield* say(...words(20, 20))
        yield* second.until((seen) => textOf(seen).endsWith(" 39"))
        const third = yield* follow(client.subscribe(id))
        yield* third.until((seen) => seen.length > 0)
        yield* say(...words(20, 40))
        yield* Queue.end(line)
        for (const stream of [first, second, third]) {
          const seen = yield* stream.ended
          assert.strictEqual(textOf(seen), words(60).join(""))
          assert.deepInclude(seen.at(-1), { kind: "status", state: "completed" })
        }
        for (const { seen: [task, ...rest] } of [second, third]) {
          assert.deepInclude(task!.task, { id, state: "working" })
          assert.lengthOf(task!.task!.answer, 1)
          const pieces = rest.filter(({ kind, lastChunk }) => kind === "artifact" && lastChunk !== true)
          assert.isTrue(pieces.every(({ append }) => append === true))
          assert.strictEqual(
            task!.task!.answer[0]! + pieces.map(({ text }) => text).join(""),
            words(60).join("")
          )
        }
        assert.strictEqual(third.seen[0]!.task!.answer[0], words(40).join(""))
      }))

    it.live("cancels a task that flows and one that is silent, and all who read it see that", () =>
      Effect.gen(function*() {
        for (const text of ["flow", "hang"]) {
          const { interrupted, say, url } = yield* stage()
          const client = yield* dialed(url)
          const stream = yield* follow(client.stream({ text }))
          if (text === "flow") yield* say("begun")
          yield* stream.until((seen) => textOf(seen) === "begun")
          const { id } = stream.seen[0]!.task!
          const other = yield* follow(client.subscribe(id))
          yield* other.until((seen) => seen.length > 0)
          const canceled = yield* told(() => client.cancel(id))
          assert.deepInclude(canceled, { id, state: "canceled", answer: ["begun"] })
          yield* interrupted
          for (const each of [stream, other]) {
            assert.deepInclude((yield* each.ended).at(-1), { kind: "status", state: "canceled" })
          }
          yield* say("too late")
          assert.deepInclude(yield* told(() => client.get(id)), { state: "canceled", answer: ["begun"] })
        }
      }))

    it.live("is asked back, and answers in the same task", () =>
      Effect.gen(function*() {
        const client = yield* dialed((yield* stage()).url)
        for (const streams of [false, true]) {
          const asked = yield* told(() => client.send({ text: "ask" }))
          assert.deepInclude(asked, { state: "input-required", said: "which?", answer: ["hm "] })
          const { contextId, id } = asked
          if (streams) {
            const seen = yield* told(() => all(client.stream({ text: "this one", taskId: id, contextId })))
            assert.deepInclude(seen[0]!.task, { id, contextId, state: "working" })
            assert.strictEqual(textOf(seen), "hm got this one")
            assert.deepInclude(seen.at(-1), { kind: "status", state: "completed" })
          } else {
            const answered = yield* told(() => client.send({ text: "this one", taskId: id }))
            assert.deepInclude(answered, { id, contextId, state: "completed", answer: ["hm got this one"] })
          }
          const got = yield* told(() => client.get(id))
          assert.deepStrictEqual(got.history, ["ask", "which?", "this one"])
          assert.deepStrictEqual((yield* told(() => client.get(id, 1))).history, ["this one"])
        }
        // Who subscribes to a task goes on reading where it waits, but for 0.3, whose streams say that they end there.
        const { asks, url } = yield* stage()
        const other = yield* dialed(url)
        const { id } = yield* told(() => other.send({ text: "flow" }, { waits: false }))
        const subscribed = yield* follow(other.subscribe(id))
        yield* subscribed.until((seen) => seen.length > 0)
        yield* asks
        yield* subscribed.until((seen) => seen.at(-1)?.state === "input-required")
        assert.strictEqual(subscribed.seen.at(-1)!.final, other.name === "0.3" ? true : undefined)
        yield* told(() => other.send({ text: "more", taskId: id }))
        const last = (yield* subscribed.ended).at(-1)!
        assert.strictEqual(last.state, other.name === "0.3" ? "input-required" : "completed")

        const streamed = yield* told(() => all(client.stream({ text: "ask" })))
        assert.deepInclude(streamed.at(-1), { kind: "status", state: "input-required", said: "which?" })
        if (client.name === "0.3") assert.isTrue(streamed.at(-1)!.final)
      }))

    it.live("is told what is wrong in its own words", () =>
      Effect.gen(function*() {
        const client = yield* dialed((yield* stage()).url)
        const { id } = yield* told(() => client.send({ text: "one" }))
        const failures = yield* told(async () => [
          await failureOf(client.get("none")),
          await failureOf(client.cancel("none")),
          await failureOf(all(client.subscribe("none"))),
          await failureOf(client.cancel(id)),
          await failureOf(all(client.subscribe(id))),
          await failureOf(client.send({ text: "more", taskId: id }))
        ])
        const expected = ["NotFound", "NotFound", "NotFound", "NotCancelable", "Unsupported", "Unsupported"]
        failures.forEach((failure, index) =>
          assert.include(failure.toLowerCase().replaceAll("_", ""), expected[index]!.toLowerCase())
        )
        const broken = yield* told(() => client.send({ text: "refuse" }))
        assert.deepInclude(broken, { state: "failed", answer: [] })
        assert.notInclude(broken.said, "a bug")
      }))

    it.live("is told of the end of its task when the agent stops", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const { url } = yield* Scope.provide(stage(), scope)
        const client = yield* dialed(url)
        const stream = yield* follow(client.stream({ text: "hang" }))
        yield* stream.until((seen) => textOf(seen) === "begun")
        yield* Scope.close(scope, Exit.void)
        assert.deepInclude((yield* stream.ended).at(-1), { kind: "status", state: "canceled" })
      }))

    it.live("gets in with the token and not without it", () =>
      Effect.gen(function*() {
        const authenticator = Authenticator.bearerToken(Redacted.make("s3cret"))
        const { url } = yield* stage({ authenticator })
        const knows = yield* told(() => dial(url, { token: "s3cret" }))
        const { id } = yield* told(() => knows.send({ text: "one" }))
        assert.deepInclude((yield* told(() => all(knows.stream({ text: "one" })))).at(-1), { state: "completed" })
        for (const token of [undefined, "wrong"]) {
          // The card is public.
          const guesses = yield* told(() => dial(url, token === undefined ? {} : { token }))
          for (
            const attempt of [
              () => guesses.send({ text: "one" }),
              () => all(guesses.stream({ text: "one" })),
              () => guesses.get(id),
              () => guesses.cancel(id)
            ]
          ) {
            assert.notStrictEqual(yield* told(() => failureOf(attempt())), "nothing")
            assert.match(guesses.headers().get("www-authenticate") ?? "", /^Bearer realm="a2a"/)
          }
        }
      }))

    it.live("pages through its tasks, where it knows lists", () =>
      Effect.gen(function*() {
        const client = yield* dialed((yield* stage()).url)
        if (client.list === undefined) return
        const list = client.list
        const { contextId } = yield* told(() => client.send({ text: "0" }))
        for (let task = 1; task < 5; task++) yield* told(() => client.send({ text: String(task), contextId }))
        yield* told(() => client.send({ text: "other" }))
        const pages = yield* told(async () => {
          const pages: Array<Awaited<ReturnType<NonNullable<Dialed["list"]>>>> = []
          do pages.push(await list({ contextId, pageSize: 2, pageToken: pages.at(-1)?.next ?? "" }))
          while (pages.at(-1)!.next !== "" && pages.length < 9)
          return pages
        })
        assert.deepStrictEqual(pages.map(({ tasks }) => tasks.length), [2, 2, 1])
        assert.isTrue(pages.every(({ total }) => total === 5))
        const listed = pages.flatMap(({ tasks }) => tasks)
        assert.deepStrictEqual(listed.map(({ history }) => history[0]).toSorted(), ["0", "1", "2", "3", "4"])
        assert.isTrue(listed.every(({ answer }) => answer.length === 0))
        assert.strictEqual((yield* told(() => list({}))).total, 6)
      }))
  })
}
