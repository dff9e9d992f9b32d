/** Clients that do not behave, over bare sockets: each is refused or left behind, and the next one is served as ever. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ServeOptions } from "../../src/a2a/A2aServer.ts"
import { Artifact, Status } from "../../src/a2a/TaskEvent.ts"
import { agent, dataOf, post, said } from "../support/agents.ts"
import { exchange, type RawResponse, type RawSocket, rawSocket, requestText } from "../support/rawSocket.ts"
import { eventually } from "../support/scriptedServer.ts"

const current = { "a2a-version": "1.0" }
const message = (text: string, configuration?: object) => ({
  message: { messageId: "m", role: "ROLE_USER", parts: [{ text }] },
  configuration
})
const call = (method: string, params: unknown) => ({ jsonrpc: "2.0", id: 7, method, params })
const rpc = (body: unknown, headers = {}) =>
  requestText("POST /", {
    headers: { ...current, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body)
  })
const rest = (line: string, body?: unknown, headers = {}) =>
  requestText(line, {
    headers: { ...current, ...headers },
    ...body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }
  })
const json = ({ body }: RawResponse) => JSON.parse(body) as Record<string, any>

/** An agent that says the prompt back word by word, or never ends, and how often it began to. */
const echo = Effect.fnUntraced(function*(options: Partial<ServeOptions> = {}) {
  const seen = { started: 0, interrupted: 0 }
  const { url } = yield* agent((request) => {
    seen.started++
    if (request.text !== "hang") return Stream.fromIterable(request.text.split(/(?= )/).map(said))
    return Stream.fromEffectDrain(Effect.onInterrupt(Effect.never, () => Effect.sync(() => void seen.interrupted++)))
  }, options)
  return { url, seen }
})

/** The server still does its work. */
const isWell = (url: string) =>
  Effect.gen(function*() {
    const { status, text } = yield* post(url, call("SendMessage", message("still here")), current)
    assert.strictEqual(status, 200)
    assert.strictEqual(JSON.parse(text).result.task.artifacts[0].parts[0].text, "still here")
  })

describe("a connection", () => {
  const limits = { headTimeout: 150, requestTimeout: 300 }

  for (
    const [name, text] of [
      ["sends nothing", ""],
      ["sends half a head", "POST / HTTP/1.1\r\nhost: localhost\r\nx"],
      ["sends half a body", rpc(call("SendMessage", message("x"))).slice(0, -10)]
    ] as const
  ) {
    it.live(`that ${name} is closed`, () =>
      Effect.gen(function*() {
        const { seen, url } = yield* echo(limits)
        const raw = yield* rawSocket(url)
        if (text !== "") raw.write(text)
        yield* raw.closed.pipe(Effect.timeout("5 seconds"))
        assert.isTrue(["", "408"].includes(raw.received().split(" ")[1] ?? ""), raw.received())
        assert.strictEqual(seen.started, 0)
        yield* isWell(url)
      }))
  }

  it.live("may be slower than the limits once its request is there", () =>
    Effect.gen(function*() {
      const { url } = yield* agent(
        (request) => Stream.concat(Stream.fromEffectDrain(Effect.sleep(600)), Stream.make(said(request.text))),
        limits
      )
      const answer = yield* exchange(url, rpc(call("SendMessage", message("late"))))
      assert.strictEqual(json(answer)["result"].task.artifacts[0].parts[0].text, "late")
    }))

  it.live("with too many headers is refused and closed", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* echo()
      const raw = yield* rawSocket(url)
      const flood = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`x-${index}`, "y".repeat(100)]))
      raw.write(rpc(call("SendMessage", message("x")), flood))
      yield* raw.closed
      assert.match(raw.received(), /^HTTP\/1\.1 431 /)
      assert.strictEqual(seen.started, 0)
      yield* isWell(url)
    }))

  it.live("that pipelines its requests gets the answers in their order", () =>
    Effect.gen(function*() {
      const { url } = yield* echo()
      const raw = yield* rawSocket(url)
      raw.write(
        rpc(call("SendStreamingMessage", message("one two"))) + rest("GET /tasks/none") +
          rpc(call("SendMessage", message("three"))) + rpc("{") + rest("GET /nothing")
      )
      const answers = yield* raw.responses(5)
      assert.deepStrictEqual(answers.map(({ status }) => status), [200, 404, 200, 200, 404])
      assert.deepInclude(dataOf(answers[0]!.body).at(-1)!["result"].statusUpdate.status, {
        state: "TASK_STATE_COMPLETED"
      })
      assert.strictEqual(json(answers[2]!)["result"].task.artifacts[0].parts[0].text, "three")
      yield* isWell(url)
    }))

  it.live("whose client closes its own half is none that waits for ever", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* echo({ orphanGrace: 50 })
      const raw = yield* rawSocket(url)
      raw.write(rpc(call("SendStreamingMessage", message("hang"))))
      yield* eventually("the stream begins", () => raw.received().includes("TASK_STATE_WORKING"))
      raw.socket.end()
      yield* raw.closed
      yield* eventually("the task is no longer worked on", () => seen.interrupted === 1)
      yield* isWell(url)
    }))

  it.live("is never upgraded to another protocol", () =>
    Effect.gen(function*() {
      const { url } = yield* echo()
      const upgrade = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAEAAEAAAAIAAAAA" }
      const answer = yield* exchange(url, rpc(call("SendMessage", message("one")), upgrade))
      assert.strictEqual(answer.status, 200)
      const body = JSON.stringify(call("SendStreamingMessage", message("one two")))
      const chunked = yield* exchange(
        url,
        rpc(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`, {
          ...upgrade,
          "content-type": "application/json",
          "transfer-encoding": "chunked"
        })
      )
      assert.strictEqual(chunked.status, 200)
      assert.strictEqual(dataOf(chunked.body).length >= 3, true)
      yield* isWell(url)
    }))
})

describe("a body", () => {
  it.live("that is too large is refused before anything begins, however it comes", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* echo({ mostBodyBytes: 2000 })
      const large = message("x".repeat(3000))
      const calls = yield* exchange(url, rpc(call("SendMessage", large)))
      assert.strictEqual(calls.status, 413)
      assert.deepInclude(json(calls), { jsonrpc: "2.0", id: null })
      const operations = yield* exchange(url, rest("POST /message:send", large))
      assert.strictEqual(operations.status, 413)
      assert.deepInclude(json(operations)["error"], { code: 413, status: "RESOURCE_EXHAUSTED" })

      // The end of it never comes.
      const chunked = { "transfer-encoding": "chunked", "content-type": "application/json" }
      const raw = yield* rawSocket(url)
      raw.write(requestText("POST /", { headers: { ...current, ...chunked } }))
      for (let sent = 0; sent < 10; sent++) raw.write(`1f4\r\n${"x".repeat(500)}\r\n`)
      assert.strictEqual((yield* raw.responses(1))[0]?.status, 413)
      // It says that it has more than it will ever send.
      const promised = yield* exchange(
        url,
        requestText("POST /", { headers: { "content-length": "9999999999", "content-type": "application/json" } })
      )
      assert.strictEqual(promised.status, 413)
      assert.strictEqual(seen.started, 0)
      yield* isWell(url)
    }))

  it.live("of another type is refused in the words of A2A", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* echo()
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "nonsense", ""]) {
        const headers = { "content-type": type }
        const calls = yield* exchange(url, rpc(call("SendMessage", message("x")), headers))
        assert.strictEqual(calls.status, 415, type)
        assert.strictEqual(json(calls)["error"].code, -32005)
        const operations = yield* exchange(url, rest("POST /message:send", message("x"), headers))
        assert.strictEqual(operations.status, 415, type)
        assert.strictEqual(json(operations)["error"].details[0].reason, "CONTENT_TYPE_NOT_SUPPORTED")
      }
      assert.strictEqual(seen.started, 0)
      for (const type of ["application/json; charset=utf-8", "Application/A2A+JSON"]) {
        const answer = yield* exchange(url, rpc(call("SendMessage", message("x")), { "content-type": type }))
        assert.strictEqual(answer.status, 200, type)
      }
      yield* isWell(url)
    }))

  it.live("that is no request is told what is wrong with it", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* echo()
      const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`
      const withMetadata = (metadata: string) =>
        JSON.stringify({ ...message("x"), metadata: "?" }).replace("\"?\"", `{"a":${metadata}}`)
      const codes = [
        ["{", -32700],
        ["\u0000", -32700],
        ["null", -32600],
        ["[]", -32600],
        [deep, -32600],
        [JSON.stringify({ ...call("GetTask", {}), id: {} }), -32600],
        [JSON.stringify({ ...call("GetTask", {}), id: [1] }), -32600],
        [JSON.stringify({ ...call("GetTask", {}), id: true }), -32600],
        [JSON.stringify({ ...call("GetTask", {}), id: 1.5 }), -32600],
        [JSON.stringify({ ...call("GetTask", {}), jsonrpc: "1.0" }), -32600],
        [JSON.stringify(call("Nonsense", {})), -32601],
        [JSON.stringify(call("__proto__", {})), -32601],
        [JSON.stringify(call("toString", {})), -32601],
        [JSON.stringify(call("GetTask", { id: { a: 1 } })), -32602],
        [JSON.stringify(call("GetTask", { id: 5 })), -32602],
        [`{"jsonrpc":"2.0","id":7,"method":"SendMessage","params":${withMetadata(deep)}}`, -32602],
        [`{"jsonrpc":"2.0","id":7,"method":"GetTask","params":${deep}}`, -32602]
      ] as const
      for (const [body, code] of codes) {
        const answer = yield* exchange(url, rpc(body))
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(json(answer)["error"].code, code, body.slice(0, 80))
      }
      for (const body of ["{", "[]", "7", deep, withMetadata(deep)]) {
        const answer = yield* exchange(url, rest("POST /message:send", body))
        assert.strictEqual(answer.status, 400, body.slice(0, 80))
        assert.strictEqual(json(answer)["error"].status, "INVALID_ARGUMENT")
      }
      assert.strictEqual(seen.started, 0)
      yield* isWell(url)
    }))
})

describe("a request line", () => {
  it.live("that leads nowhere is refused, in JSON", () =>
    Effect.gen(function*() {
      const { url } = yield* echo()
      const lines = [
        ["GET /", 405],
        ["PUT /", 405],
        ["GET //", 404],
        ["GET //[", 404],
        ["GET /%", 404],
        ["GET /tasks/%", 404],
        ["GET /tasks/%2e%2e", 405],
        ["GET /../../tasks/none", 404],
        ["DELETE /tasks", 405],
        ["M-SEARCH /tasks", 405],
        ["OPTIONS *", 404],
        ["GET /message:send", 405],
        ["PUT /.well-known/agent-card.json", 404],
        ["GET /.well-known/other.json", 404],
        [`GET /${"x".repeat(5000)}`, 404]
      ] as const
      for (const [line, status] of lines) {
        const answer = yield* exchange(url, rest(line))
        assert.strictEqual(answer.status, status, line)
        assert.isObject(json(answer)["error"], line)
      }
      const garbage = yield* rawSocket(url)
      garbage.write("\u0016\u0003\u0001\u0002 hello\r\n\r\n")
      yield* garbage.closed
      assert.match(garbage.received(), /^HTTP\/1\.1 400 /)
      yield* isWell(url)
    }))

  it.live("with a doubled slash or a whole address means the path that it looks like", () =>
    Effect.gen(function*() {
      const { url } = yield* echo()
      for (const line of ["POST //message:send", `POST ${url}message:send`]) {
        const answer = yield* exchange(url, rest(line, message("one")))
        assert.strictEqual(answer.status, 200, line)
        assert.strictEqual(json(answer)["task"].artifacts[0].parts[0].text, "one")
      }
      for (const line of ["GET //tasks", `GET ${url}tasks`]) {
        assert.strictEqual(json(yield* exchange(url, rest(line)))["totalSize"], 2, line)
      }
    }))

  it.live("for the head of the card is answered as for the card", () =>
    Effect.gen(function*() {
      const { url } = yield* echo()
      for (const path of [".well-known/agent-card.json", ".well-known/agent.json"]) {
        const head = yield* Effect.promise(() => fetch(`${url}${path}`, { method: "HEAD" }))
        assert.strictEqual(head.status, 200, path)
        assert.isNotNull(head.headers.get("etag"))
      }
    }))
})

describe("more tasks than there may be", () => {
  it.live("are refused until others have ended, and those go on", () =>
    Effect.gen(function*() {
      const { seen, url } = yield* echo({ mostTasks: 2 })
      const hang = message("hang", { returnImmediately: true })
      const first = json(yield* exchange(url, rpc(call("SendMessage", hang))))["result"].task.id
      const raw = yield* rawSocket(url)
      raw.write(rpc(call("SendStreamingMessage", message("hang"))))
      yield* eventually("both have begun", () => seen.started === 2)
      const legacy = { message: { messageId: "m", role: "user", parts: [{ kind: "text", text: "hang" }] } }
      for (
        const text of [
          rpc(call("SendMessage", hang)),
          rpc(call("SendStreamingMessage", message("hang"))),
          rpc(call("message/send", legacy), { "a2a-version": "0.3" }),
          rpc(call("message/stream", legacy), { "a2a-version": "0.3" }),
          rest("POST /message:send", hang),
          rest("POST /message:stream", message("hang"))
        ]
      ) {
        const answer = yield* exchange(url, text)
        assert.strictEqual(answer.status, 503, text)
        assert.strictEqual(answer.headers["retry-after"], "1")
        assert.match(json(answer)["error"].message, /^2 tasks are at work/)
      }
      const unavailable = json(yield* exchange(url, rest("POST /message:send", hang)))
      assert.deepInclude(unavailable["error"], { code: 503, status: "UNAVAILABLE" })
      assert.strictEqual(seen.started, 2)
      assert.strictEqual(json(yield* exchange(url, rest("GET /tasks")))["totalSize"], 2)
      const canceled = json(yield* exchange(url, rest(`POST /tasks/${first}:cancel`)))
      assert.strictEqual(canceled["status"].state, "TASK_STATE_CANCELED")
      yield* isWell(url)
    }))
})

describe("a client that does not read", () => {
  it.live("keeps nobody else from the whole text, and nothing is made for it that it does not take", () =>
    Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      // More than fits into all the buffers on the way.
      const large = Array.from({ length: 160 }, () => "x".repeat(100_000))
      const small = Array.from({ length: 1000 }, (_, index) => ` ${index}`)
      const { url } = yield* agent((request) =>
        request.text === "many"
          ? Stream.fromEffectDrain(Deferred.await(go)).pipe(
            Stream.concat(Stream.fromIterable(large)),
            Stream.concat(Stream.fromIterable(small).pipe(Stream.rechunk(10))),
            Stream.map(said),
            Stream.mapArrayEffect((tokens) => Effect.as(Effect.sleep(1), tokens))
          )
          : Stream.make(said(request.text))
      )
      const sent = yield* exchange(url, rpc(call("SendMessage", message("many", { returnImmediately: true }))))
      const { id } = json(sent)["result"].task
      const subscribe = rest(`GET /tasks/${id}:subscribe`, undefined, { connection: "close" })
      const idle = yield* rawSocket(url)
      idle.socket.pause()
      idle.write(subscribe)
      const reader = yield* rawSocket(url)
      reader.write(subscribe)
      yield* eventually("the stream begins", () => reader.received().includes("TASK_STATE_WORKING"))
      yield* Deferred.succeed(go, undefined)
      const textsOf = Effect.fnUntraced(function*(raw: RawSocket) {
        yield* raw.closed
        const [answer] = yield* raw.responses(1)
        return dataOf(answer!.body).flatMap((each) => each["artifactUpdate"]?.artifact.parts[0].text ?? [])
      })
      const whole = [...large, ...small].join("")
      assert.isTrue((yield* textsOf(reader)).join("") === whole)
      yield* isWell(url)
      idle.socket.resume()
      const texts = yield* textsOf(idle)
      assert.isTrue(texts.join("") === whole)
      // What it did not take in time has waited as text, and not as events.
      assert.isBelow(texts.filter((text) => text.length < 1000).length, 50)
    }))

  it.live("and goes when everything has been written is no reader any more", () =>
    Effect.gen(function*() {
      const seen = { interrupted: 0 }
      // More than the kernel keeps for a connection.
      const large = Array.from({ length: 10 }, (_, index) =>
        Artifact.make({
          artifactId: `r${index}`,
          name: "r",
          parts: [{ _tag: "Text", text: "x".repeat(2_000_000) }]
        }))
      const { url } = yield* agent((request) =>
        request.text === "still here"
          ? Stream.make(said(request.text))
          : request.continued
          ? Stream.fromEffectDrain(Effect.onInterrupt(Effect.never, () => Effect.sync(() => void seen.interrupted++)))
          : Stream.make(...large, Status.make({ state: "input-required", text: "well?" })), { orphanGrace: 50 })
      const first = yield* rawSocket(url)
      first.socket.pause()
      first.write(rpc(call("SendStreamingMessage", message("x"))))
      const listed = Effect.map(exchange(url, rest("GET /tasks")), (answer) => json(answer)["tasks"])
      const [task] = yield* Effect.repeat(listed, { until: (tasks) => tasks.length > 0 })
      assert.strictEqual(task.status.state, "TASK_STATE_INPUT_REQUIRED")
      first.socket.resetAndDestroy()
      const second = yield* rawSocket(url)
      const proceed = { message: { ...message("go on").message, taskId: task.id } }
      second.write(rpc(call("SendStreamingMessage", proceed)))
      yield* eventually("the task goes on", () => second.received().length > 0)
      second.socket.destroy()
      yield* eventually("nobody reads it any more", () => seen.interrupted === 1)
      yield* isWell(url)
    }))
})
