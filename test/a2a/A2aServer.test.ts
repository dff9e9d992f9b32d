// @effect-diagnostics globalFetch:off
/** An agent of ours, seen by its clients: the SDK's of both versions, and bare HTTP. */
import { Role } from "@a2a-js/sdk"
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { serve } from "../../src/a2a/A2aServer.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { agent, ask, dataOf, hangs, post, said } from "../support/agents.ts"

const message = (text: string) => ({ message: { messageId: "m", role: "ROLE_USER", parts: [{ text }] } })
const legacyMessage = (text: string) => ({
  message: { kind: "message", messageId: "m", role: "user", parts: [{ kind: "text", text }] }
})
const call = (method: string, params: unknown) => ({ jsonrpc: "2.0", id: 7, method, params })
const current = { "a2a-version": "1.0", "content-type": "application/json" }

/** Says the words of the prompt back. */
const echo = agent((request) => Stream.fromIterable(request.text.split(/(?= )/).map(said)))

describe("the card", () => {
  it.live("is one document for both versions, at the old address too", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const cards = yield* Effect.promise(() =>
        Promise.all(
          ["agent-card.json", "agent.json"].map((name) =>
            fetch(`${url}.well-known/${name}`).then((response) => response.json() as Promise<Record<string, any>>)
          )
        )
      )
      assert.deepStrictEqual(cards[0], cards[1])
      const card = cards[0]!
      assert.deepInclude(card, { url, protocolVersion: "0.3.0", preferredTransport: "JSONRPC", name: "test agent" })
      assert.deepStrictEqual(
        card["supportedInterfaces"].map((each: Record<string, string>) => [each["url"], each["protocolVersion"]]),
        [[url, "1.0"], [url.replace(/\/$/, ""), "1.0"], [url, "0.3"]]
      )
      assert.deepInclude(card["capabilities"], { streaming: true })
      // The Python client of 0.3 refuses a card that leaves out any of these, and ProtoJSON leaves out empty lists.
      for (
        const field of [
          "name",
          "description",
          "version",
          "capabilities",
          "defaultInputModes",
          "defaultOutputModes",
          "skills"
        ]
      ) {
        assert.property(card, field)
      }
      assert.hasAllKeys(card["skills"][0], ["id", "name", "description", "tags"])
      assert.strictEqual(card["capabilities"].extensions[0].uri, TOKEN_EXTENSION_URI)
    }))
})

describe("a client of A2A 1.0", () => {
  it.live("sees a plain stream: a task, the text, the end", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const answer = yield* post(url, call("SendStreamingMessage", message("one two three")), current)
      const results = dataOf(answer.text)
      assert.strictEqual(answer.headers.get("content-type"), "text/event-stream")
      assert.isNull(answer.headers.get("a2a-extensions"))
      assert.isTrue(results.every((each) => each["jsonrpc"] === "2.0" && each["id"] === 7))
      assert.property(results[0]!["result"], "task")
      const artifacts = results.flatMap((each) => each["result"].artifactUpdate ?? [])
      assert.strictEqual(artifacts.map((each) => each.artifact.parts[0].text).join(""), "one two three")
      assert.isTrue(artifacts.every((each) => each.metadata === undefined))
      assert.deepStrictEqual(artifacts.map((each) => each.append ?? false), artifacts.map((_, index) => index > 0))
      assert.strictEqual(results.at(-1)!["result"].statusUpdate.status.state, "TASK_STATE_COMPLETED")
    }))

  it.live("gets the extension it asks for, and its echo", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const headers = { ...current, "A2A-Extensions": `https://example.org/other, ${TOKEN_EXTENSION_URI}` }
      const answer = yield* post(url, call("SendStreamingMessage", message("one")), headers)
      assert.strictEqual(answer.headers.get("a2a-extensions"), TOKEN_EXTENSION_URI)
      const updates = dataOf(answer.text).slice(1).map((each) =>
        Object.values(each["result"])[0] as Record<string, any>
      )
      assert.isTrue(updates.every((each) => TOKEN_EXTENSION_URI in each["metadata"]))
    }))

  it.live("can send without streaming, get the task later, and not cancel what is over", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const sent = JSON.parse((yield* post(url, call("SendMessage", message("one two")), current)).text).result.task
      assert.deepInclude(sent.status, { state: "TASK_STATE_COMPLETED" })
      assert.deepStrictEqual(sent.artifacts.map((each: any) => each.parts), [[{
        text: "one two",
        mediaType: "text/plain"
      }]])
      const got = JSON.parse((yield* post(url, call("GetTask", { id: sent.id }), current)).text).result
      assert.deepStrictEqual(got, sent)
      assert.strictEqual(got.history[0].parts[0].text, "one two")
      const codes = []
      for (
        const [method, params] of [["CancelTask", { id: sent.id }], ["SubscribeToTask", { id: sent.id }], ["GetTask", {
          id: "no"
        }]]
      ) {
        codes.push(JSON.parse((yield* post(url, call(method as string, params), current)).text).error.code)
      }
      assert.deepStrictEqual(codes, [-32002, -32004, -32001])
      const listed = JSON.parse((yield* post(url, call("ListTasks", {}), current)).text).result
      assert.deepStrictEqual(listed.tasks.map((each: any) => each.id), [sent.id])
    }))

  it.live("cancels a silent task at once, and it stays what it is when it is cancelled again", () =>
    Effect.gen(function*() {
      const { interrupted, url } = yield* hangs("1 hour")
      const sent = yield* post(
        url,
        call("SendMessage", { ...message("x"), configuration: { returnImmediately: true } }),
        current
      )
      const { id } = JSON.parse(sent.text).result.task
      const before = performance.now()
      const cancel = Effect.map(post(url, call("CancelTask", { id }), current), ({ text }) => JSON.parse(text))
      assert.strictEqual((yield* cancel).result.status.state, "TASK_STATE_CANCELED")
      yield* interrupted
      assert.strictEqual((yield* cancel).error.code, -32002)
      const task = JSON.parse((yield* post(url, call("GetTask", { id }), current)).text).result
      assert.strictEqual(task.status.state, "TASK_STATE_CANCELED")
      assert.isBelow(performance.now() - before, 1000)
    }))

  it.live("that goes away lets the task go on for the grace, then it is cancelled", () =>
    Effect.gen(function*() {
      const { interrupted, url } = yield* hangs(100)
      const controller = new AbortController()
      const response = yield* Effect.promise(() =>
        fetch(url, {
          method: "POST",
          headers: current,
          body: JSON.stringify(call("SendStreamingMessage", message("x"))),
          signal: controller.signal
        })
      )
      assert.strictEqual(response.status, 200)
      const before = performance.now()
      controller.abort()
      yield* Effect.timeout(interrupted, "1 second")
      assert.isAtLeast(performance.now() - before, 90)
    }))

  it.live("that goes away while it does not read is missed all the same", () =>
    Effect.gen(function*() {
      const interrupted = yield* Deferred.make<void>()
      const text = "x".repeat(10_000)
      const { url } = yield* agent(
        () =>
          Stream.fromEffectRepeat(Effect.as(Effect.sleep(1), said(text))).pipe(
            Stream.ensuring(Deferred.succeed(interrupted, undefined))
          ),
        { orphanGrace: 100 }
      )
      const controller = new AbortController()
      yield* Effect.promise(() =>
        fetch(url, {
          method: "POST",
          headers: current,
          body: JSON.stringify(call("SendStreamingMessage", message("x"))),
          signal: controller.signal
        })
      )
      // Long enough for every buffer between the task and the client to be full.
      yield* Effect.sleep(1500)
      controller.abort()
      yield* Effect.timeout(Deferred.await(interrupted), "2 seconds")
    }))

  it.live("that subscribes to a flowing task gets the rest without loss or doubling", () =>
    Effect.gen(function*() {
      const words = Array.from({ length: 400 }, (_, index) => ` ${index}`)
      const { url } = yield* agent(() =>
        Stream.fromIterable(words.map(said)).pipe(
          Stream.rechunk(1),
          Stream.mapEffect((token) => Effect.as(Effect.sleep(1), token))
        )
      )
      const sent = yield* post(
        url,
        call("SendMessage", { ...message("x"), configuration: { returnImmediately: true } }),
        current
      )
      const { id } = JSON.parse(sent.text).result.task
      yield* Effect.sleep(100)
      const results = dataOf((yield* post(url, call("SubscribeToTask", { id }), current)).text)
      const snapshot = results[0]!["result"].task.artifacts[0].parts[0].text as string
      const rest = results.flatMap((each) => each["result"].artifactUpdate?.artifact.parts[0].text ?? []).join("")
      assert.isAbove(snapshot.length, 0)
      assert.isAbove(rest.length, 0)
      assert.strictEqual(snapshot + rest, words.join(""))
    }))

  it.live("is told what is wrong with a call, as JSON", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const code = (body: unknown, headers: Record<string, string> = current) =>
        Effect.map(post(url, body, headers), ({ text }) => JSON.parse(text).error.code)
      assert.strictEqual(yield* code("{"), -32700)
      assert.strictEqual(yield* code("[]"), -32600)
      assert.strictEqual(yield* code(call("Nonsense", {})), -32601)
      assert.strictEqual(
        yield* code(call("SendStreamingMessage", { message: { messageId: "m", role: "ROLE_USER" } })),
        -32602
      )
      assert.strictEqual(yield* code(call("GetTask", { id: "x" }), { "A2A-Version": "9.9" }), -32009)
    }))
})

describe("a client of A2A 0.3", () => {
  it.live("streams, and is told which update is the last", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const results = dataOf((yield* post(url, call("message/stream", legacyMessage("one two")))).text)
        .map((each) => each["result"])
      assert.deepInclude(results[0], { kind: "task" })
      const text = results.flatMap((each) => each.kind === "artifact-update" ? each.artifact.parts[0].text : []).join(
        ""
      )
      assert.strictEqual(text, "one two")
      assert.deepInclude(results.at(-1), { kind: "status-update", final: true })
      assert.strictEqual(results.at(-1)!["status"].state, "completed")
    }))

  it.live("can send and wait for the answer", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const { result } = JSON.parse((yield* post(url, call("message/send", legacyMessage("one two")))).text)
      assert.deepInclude(result, { kind: "task" })
      assert.strictEqual(result.artifacts[0].parts[0].text, "one two")
    }))
})

describe("the SDK's client", () => {
  for (const version of ["1.0", "0.3"]) {
    it.live(`reads a stream by ${version}`, () =>
      Effect.gen(function*() {
        const { url } = yield* echo
        const legacyCompat = { enabled: true }
        const text = yield* Effect.promise(async () => {
          const card = await new DefaultAgentCardResolver({ legacyCompat }).resolve(url)
          const client = await new ClientFactory({
            transports: [new JsonRpcTransportFactory({ legacyCompat })]
          }).createFromAgentCard({
            ...card,
            supportedInterfaces: card.supportedInterfaces.filter((each) => each.protocolVersion === version)
          })
          let text = ""
          const request = {
            tenant: "",
            metadata: undefined,
            configuration: undefined,
            message: {
              messageId: "m",
              contextId: "",
              taskId: "",
              role: Role.ROLE_USER,
              parts: [{
                content: { $case: "text" as const, value: "one two" },
                metadata: undefined,
                filename: "",
                mediaType: ""
              }],
              metadata: undefined,
              extensions: [],
              referenceTaskIds: []
            }
          }
          for await (const { payload } of client.sendMessageStream(request)) {
            const part = payload?.$case === "artifactUpdate" ? payload.value.artifact?.parts[0] : undefined
            if (part?.content?.$case === "text") text += part.content.value
          }
          return text
        })
        assert.strictEqual(text, "one two")
      }))
  }
})

describe("the server", () => {
  it.live("leaves nothing listening and nothing running when its scope ends, also with open streams", () =>
    Effect.gen(function*() {
      let url = ""
      let interrupted = false
      const before = performance.now()
      yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* agent(() =>
          Stream.fromEffect(Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              interrupted = true
            })))
        )
        url = server.url
        yield* Effect.forkChild(post(url, call("SendStreamingMessage", message("x")), current).pipe(Effect.ignore))
        yield* Effect.sleep(100)
      }))
      assert.isBelow(performance.now() - before, 2000)
      assert.isTrue(interrupted)
      const refused = yield* Effect.promise(() => fetch(url).then(() => false, () => true))
      assert.isTrue(refused)
    }))

  it.live("says in one line that its port is in use", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const error = yield* Effect.flip(serve({
        host: "127.0.0.1",
        port: Number(new URL(url).port),
        description: {
          name: "",
          description: "",
          version: "",
          skill: { id: "", name: "", description: "", tags: ["test"] }
        },
        executor: () => Stream.empty
      }))
      assert.match(error.message, /^port \d+ on 127\.0\.0\.1 is already in use; .*--port/)
    }))

  it.live("refuses a body that is too large and goes on", () =>
    Effect.gen(function*() {
      const { url } = yield* echo
      const answer = yield* post(url, "x".repeat(11 * 1024 * 1024), current)
      assert.strictEqual(answer.status, 413)
      assert.strictEqual((yield* ask(url, "still here")).events.length > 0, true)
    }))
})
