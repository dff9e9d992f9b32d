/** What a hostile agent may answer, and what is to come of it. */
import type { ServerResponse } from "node:http"
import { gzipSync } from "node:zlib"
import type { FailReason } from "../../src/liveness/Failed.ts"
import {
  beginStream,
  type Behaviour,
  cardOf,
  endlessly,
  frame,
  type HostileRequest,
  json,
  later
} from "../support/hostileAgent.ts"

export const task = { task: { id: "t", contextId: "c", status: { state: "TASK_STATE_WORKING" } } }
export const token = (text: string, more: Record<string, unknown> = {}) => ({
  artifactUpdate: {
    taskId: "t",
    contextId: "c",
    artifact: { artifactId: "answer", parts: [{ text }] },
    append: true,
    ...more
  }
})
export const status = (state: string, more: Record<string, unknown> = {}) => ({
  statusUpdate: { taskId: "t", contextId: "c", status: { state: `TASK_STATE_${state}` }, ...more }
})
/** Two good tokens, then what is given; all in one write, and the connection stays open. */
const afterTokens = (...results: ReadonlyArray<unknown>): Behaviour => ({
  stream: (response, request) => {
    beginStream(response)
    response.write([task, token("a"), token("b"), ...results].map((result) => frame(request, result)).join(""))
  }
})
const raw = (write: (response: ServerResponse, request: HostileRequest) => void): Behaviour => ({
  stream: (response, request) => {
    beginStream(response)
    response.write([task, token("a"), token("b")].map((result) => frame(request, result)).join(""))
    write(response, request)
  }
})
const answers = (write: (response: ServerResponse, request: HostileRequest) => void): Behaviour => ({ stream: write })
const deep = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth))
const bomb = gzipSync(Buffer.alloc(100_000_000, "x"))

interface Case {
  readonly name: string
  readonly behaviour: Behaviour
  readonly reason: FailReason["_tag"]
  readonly detail: RegExp
  readonly tokens?: number
}

export const cases: ReadonlyArray<Case> = [
  {
    name: "a line without an end",
    behaviour: raw((response) => endlessly(response, "data: xxxxxxxxxxxx".repeat(5000))),
    reason: "Malformed",
    detail: /event 4 is larger than 4 MiB/,
    tokens: 2
  },
  {
    name: "an event without an end",
    behaviour: raw((response) => endlessly(response, `data: ${"x".repeat(100)}\n`.repeat(900))),
    reason: "Malformed",
    detail: /event 4 is larger/,
    tokens: 2
  },
  {
    name: "a huge event",
    behaviour: afterTokens(token("x".repeat(5_000_000))),
    reason: "Malformed",
    detail: /event 4 is larger/,
    tokens: 2
  },
  {
    name: "events without an end",
    behaviour: raw((response, request) => endlessly(response, frame(request, token("")).repeat(200))),
    reason: "Malformed",
    detail: /larger than 6 MiB in all/,
    tokens: 2
  },
  {
    name: "comments without an end",
    behaviour: raw((response) => endlessly(response, ": hello\n".repeat(5000))),
    reason: "Malformed",
    detail: /larger than 6 MiB in all/,
    tokens: 2
  },
  {
    name: "a decompression bomb as a stream",
    behaviour: answers((response) => {
      beginStream(response, { "content-encoding": "gzip" })
      response.end(bomb)
    }),
    reason: "Malformed",
    detail: /event 1 is larger/
  },
  {
    name: "a decompression bomb as a card",
    behaviour: {
      card: (response) => {
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
        response.end(bomb)
      }
    },
    reason: "Unsupported",
    detail: /larger than 4 MiB/
  },
  {
    name: "a card without an end",
    behaviour: {
      card: (response) => {
        response.writeHead(200, { "content-type": "application/json" })
        endlessly(response, "{\"name\":\"".repeat(5000))
      }
    },
    reason: "Unsupported",
    detail: /larger than 4 MiB/
  },
  {
    name: "a card that stops in the middle",
    behaviour: { card: (response) => void response.write("{\"name\":") },
    reason: "ConnectTimeout",
    detail: /no whole answer/
  },
  {
    name: "a card that never begins",
    behaviour: { card: () => {} },
    reason: "ConnectTimeout",
    detail: /no whole answer/
  },
  ...[null, [], 5, "card", {}, { ...cardOf("http://127.0.0.1:9/"), supportedInterfaces: [null] }].map((card): Case => ({
    name: `a card that is ${JSON.stringify(card).slice(0, 20)}`,
    behaviour: { card: (response) => json(response, card) },
    reason: "Unsupported",
    detail: /no usable agent card/
  })),
  {
    name: "a card nested deeply",
    behaviour: { card: (response) => json(response, "[".repeat(900_000)) },
    reason: "Unsupported",
    detail: /nested too deeply/
  },
  {
    name: "a card with an address that is none",
    behaviour: { card: (response) => json(response, cardOf("nowhere")) },
    reason: "Rejected",
    detail: /names an address that is no URL/
  },
  {
    name: "a card that announces a second one",
    behaviour: {
      ...afterTokens({ nothing: 1 }),
      card: (response, url) =>
        json(response, { ...cardOf(url), capabilities: { streaming: true, extendedAgentCard: true } })
    },
    reason: "Malformed",
    detail: /event 4/,
    tokens: 2
  },
  {
    name: "an endless answer that is no stream",
    behaviour: answers((response) => {
      response.writeHead(200, { "content-type": "application/json" })
      endlessly(response, "[1,".repeat(9000))
    }),
    reason: "Malformed",
    detail: /larger than 4 MiB/
  },
  {
    name: "what is not JSON",
    behaviour: raw((response) => response.write("data: {nope\n\n")),
    reason: "Malformed",
    detail: /event 4 is not JSON: \{nope/,
    tokens: 2
  },
  ...([["null", "null"], ["an array", "[1]"], ["a number", "7"], ["an empty object", "{}"]] as const).map((
    [name, text]
  ): Case => ({
    name: `${name} for a response`,
    behaviour: raw((response) => response.write(`data: ${text}\n\n`)),
    reason: "Malformed",
    detail: /event 4 is not (a JSON-RPC response|of JSON-RPC 2.0)/,
    tokens: 2
  })),
  ...([
    ["no result", undefined, /event 4 is nothing and not an object/],
    ["null", null, /event 4 is null and not an object/],
    ["an array", [task], /event 4 is an array and not an object/],
    ["a number", 5, /event 4 is a number and not an object/],
    ["an unknown payload", { bomb: {} }, /event 4 has a payload of an unknown kind \(bomb\)/],
    ["two payloads", { ...task, ...token("x") }, /event 4 has two payloads/],
    [
      "an artifact update without an artifact",
      { artifactUpdate: { taskId: "t" } },
      /event 4 has an artifact that is nothing/
    ],
    [
      "parts that are an object",
      { artifactUpdate: { taskId: "t", artifact: { artifactId: "a", parts: {} } } },
      /event 4 has artifact parts that is a object and not an array/
    ],
    [
      "a part that is null",
      { artifactUpdate: { taskId: "t", artifact: { artifactId: "a", parts: [null] } } },
      /event 4 has a part that is null/
    ],
    [
      "text that is a number",
      { artifactUpdate: { taskId: "t", artifact: { artifactId: "a", parts: [{ text: 5 }] } } },
      /event 4 has a part's text that is a number/
    ],
    ["metadata that are a text", token("x", { metadata: "x" }), /event 4 has metadata that is a string/],
    ["metadata that are an array", status("WORKING", { metadata: [] }), /event 4 has metadata that is an array/],
    ["a status update without a status", { statusUpdate: { taskId: "t" } }, /event 4 has a status that is nothing/],
    ["a task without an id", { task: { status: { state: "TASK_STATE_WORKING" } } }, /event 4 has a task without an id/],
    ["deep nesting", token("x", { metadata: { a: deep(300) } }), /event 4 is nested too deeply/],
    [
      "another task",
      { task: { ...task.task, id: "other" } },
      /event 4 is of task "other", and the stream is of task "t"/
    ],
    ["an update of another task", token("x", { taskId: "other" }), /event 4 is of task "other"/],
    ["an update of another context", status("WORKING", { contextId: "other" }), /event 4 is of context "other"/],
    [
      "a message in its midst",
      { message: { messageId: "m", role: "ROLE_AGENT", parts: [{ text: "x" }] } },
      /event 4 is a message in the stream of a task/
    ],
    [
      "a message of another task",
      { message: { messageId: "m", taskId: "other", role: "ROLE_AGENT", parts: [] } },
      /event 4 is of task "other"/
    ]
  ] as const).map(([name, result, detail]): Case => ({
    name: `a stream with ${name}`,
    behaviour: afterTokens(result),
    reason: "Malformed",
    detail,
    tokens: 2
  })),
  {
    name: "an artifact before its task",
    behaviour: answers((response, request) => {
      beginStream(response)
      response.write(frame(request, token("a")))
    }),
    reason: "Malformed",
    detail: /event 1 is an artifact before its task/
  },
  {
    name: "the answer to another request",
    behaviour: raw((response) => response.write(`data: {"jsonrpc":"2.0","id":99,"result":{}}\n\n`)),
    reason: "Malformed",
    detail: /event 4 answers request 99, and ours is/,
    tokens: 2
  },
  {
    name: "an error frame",
    behaviour: raw((response, { rpc }) =>
      response.write(
        `event: error\ndata: {"jsonrpc":"2.0","id":${rpc?.id},"error":{"code":-32603,"message":"out of paper"}}\n\n`
      )
    ),
    reason: "MidStreamError",
    detail: /out of paper/,
    tokens: 2
  },
  {
    name: "an error frame for nobody",
    behaviour: raw((response) =>
      response.write(`data: {"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"out of ink"}}\n\n`)
    ),
    reason: "MidStreamError",
    detail: /out of ink/,
    tokens: 2
  },
  {
    name: "an error that is a text",
    behaviour: raw((response, { rpc }) => response.write(`data: {"jsonrpc":"2.0","id":${rpc?.id},"error":"no"}\n\n`)),
    reason: "Malformed",
    detail: /event 4 is an error without a message/,
    tokens: 2
  },
  {
    name: "JSON with an error instead of a stream",
    behaviour: answers((response, { rpc }) =>
      json(response, { jsonrpc: "2.0", id: rpc?.id, error: { code: -32603, message: "not today" } })
    ),
    reason: "MidStreamError",
    detail: /not today/
  },
  {
    name: "JSON without an error instead of a stream",
    behaviour: answers((response, { rpc }) => json(response, { jsonrpc: "2.0", id: rpc?.id, result: task })),
    reason: "ServerError",
    detail: /application\/json instead of a stream/
  },
  {
    name: "HTML instead of a stream",
    behaviour: answers((response) => {
      response.writeHead(200, { "content-type": "text/html" })
      response.end("<!doctype html>\u001b[31m<title>Login</title>")
    }),
    reason: "ServerError",
    detail: /^text\/html instead of a stream of events: <!doctype html> \[31m<title>Login/
  },
  {
    name: "a redirect to another origin",
    behaviour: answers((response) => response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()),
    reason: "Rejected",
    detail: /redirects to http:\/\/127.0.0.1:9\/, which is another origin/
  },
  {
    name: "a card behind a redirect to another origin",
    behaviour: { card: (response) => void response.writeHead(302, { location: "http://169.254.169.254/" }).end() },
    reason: "Rejected",
    detail: /another origin/
  },
  {
    name: "redirects in a circle",
    behaviour: { card: (response) => void response.writeHead(302, { location: "/" }).end() },
    reason: "Rejected",
    detail: /redirects more than 5 times/
  },
  ...([[400, "Rejected"], [401, "Rejected"], [404, "Rejected"], [413, "Rejected"], [429, "RateLimited"], [
    500,
    "ServerError"
  ], [503, "Unavailable"]] as const).map(([code, reason]): Case => ({
    name: `HTTP ${code}`,
    behaviour: answers((response) => response.writeHead(code).end("go away")),
    reason,
    detail: code === 401 ? /CAMPAIGN_AGENT_TOKEN/ : /go away/
  })),
  {
    name: "a connection that breaks and a task that is not found again",
    behaviour: raw((response) => later(() => response.destroy(), 20)),
    reason: "ConnectionLost",
    detail: /./,
    tokens: 2
  },
  {
    name: "garbage, and never to the cancellation",
    behaviour: { ...afterTokens(5), methods: { CancelTask: () => {} } },
    reason: "Malformed",
    detail: /event 4/,
    tokens: 2
  },
  {
    name: "a question that nobody answers",
    behaviour: raw((response, request) => response.end(frame(request, status("INPUT_REQUIRED")))),
    reason: "AgentFailed",
    detail: /waits for an answer/,
    tokens: 2
  }
]
