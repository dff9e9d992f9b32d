/**
 * The calls that a probe makes to an agent, of A2A 1.0 and 0.3 and of both bindings of 1.0, with the moment at which
 * every byte came (adapter for fetch).
 *
 * Laws: a call never fails, what became of it is its answer. Bytes, events and time are bounded as those of our client are
 * (BoundedFetch.ts), streams more tightly. A connection is closed with the scope of its call, whatever the agent does.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { randomUUID } from "node:crypto"
import * as AddressRule from "../a2a/AddressRule.ts"
import { AgentFault, malformed, oneLine, reasonOf } from "../a2a/AgentFault.ts"
import * as BoundedFetch from "../a2a/BoundedFetch.ts"
import { GuardedDispatcher } from "../a2a/GuardedDispatcher.ts"
import { TOKEN_EXTENSION_URI } from "../a2a/TokenExtension.ts"
import { isObject, parseJson } from "../a2a/WireShape.ts"
import { FailReason } from "../liveness/Failed.ts"
import { type AgentFrame, readFrame } from "./AgentFrame.ts"
import type { AgentInterface } from "./AgentMeasurements.ts"
import { makeFrameOrder } from "./FrameOrder.ts"
import type { StreamRecord } from "./StreamRecord.ts"

/** What is asked of an agent. */
export type AgentCall =
  | { readonly method: "send" | "stream"; readonly text: string; readonly contextId?: string; readonly waits?: boolean }
  | { readonly method: "get" | "cancel" | "subscribe"; readonly taskId: string }

export type Answer =
  | { readonly _tag: "Answered"; readonly json: unknown; readonly frame: AgentFrame; readonly millis: number }
  | { readonly _tag: "Refused"; readonly code: number | null; readonly detail: string; readonly millis: number }
  | { readonly _tag: "Failed"; readonly detail: string; readonly isUnreachable: boolean; readonly millis: number }

/** How a stream came to its end; `undefined` where it was closed by the agent as it should be. */
export type StreamFault = Extract<Answer, { readonly _tag: "Refused" | "Failed" }> | undefined

/** Of one stream; an answer to the prompt of a probe has some hundred kilobytes. */
const MOST_STREAM_BYTES = 32 * 1024 * 1024

export interface AgentWireOptions {
  /** Bearer tokens by origin. */
  readonly tokens: ReadonlyMap<string, Redacted.Redacted>
  /** How long an answer may take that needs no work. */
  readonly answerMillis: number
}

export class AgentWire extends Context.Service<AgentWire, {
  /** The JSON at a URL, such as a card. */
  readonly card: (url: string) => Effect.Effect<Answer>
  /** One call that is answered once. A message may take as long as it takes: interrupt it. */
  readonly call: (at: AgentInterface, call: AgentCall) => Effect.Effect<Answer>
  /** One stream, told to the record until it ends. `plain`: ask for no compression. */
  readonly stream: (
    at: AgentInterface,
    call: AgentCall,
    record: StreamRecord,
    plain?: boolean
  ) => Effect.Effect<StreamFault>
}>()("a2a-campaign/AgentWire") {
  /** Over HTTP, with connections of its own. */
  static readonly layer = (options: AgentWireOptions) =>
    Layer.effect(
      AgentWire,
      Effect.gen(function*() {
        const { fetchUnder } = yield* GuardedDispatcher
        return make(fetchUnder(AddressRule.any), options, yield* Effect.context<never>(), yield* Clock.Clock)
      })
    ).pipe(Layer.provide(GuardedDispatcher.layer))
}

/** What must not be waited for by the clock of an answer: it is the agent's work. */
const PATIENT = "1 day"

const make = (
  fetch: typeof globalThis.fetch,
  { answerMillis, tokens }: AgentWireOptions,
  context: Context.Context<never>,
  clock: Clock.Clock
): AgentWire["Service"] => {
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

  const bounded = (through: typeof globalThis.fetch, isWork: boolean) =>
    BoundedFetch.make({
      fetch: through,
      tokens,
      limits: {
        ...BoundedFetch.defaultLimits,
        taskBytes: MOST_STREAM_BYTES,
        answerTime: isWork ? PATIENT : answerMillis
      },
      context
    })

  const failedOf = ({ reason }: AgentFault, startedAt: number): Extract<Answer, { readonly _tag: "Failed" }> => {
    return {
      _tag: "Failed",
      detail: "detail" in reason ? reason.detail : reason._tag,
      isUnreachable: reason._tag === "ConnectError",
      millis: now() - startedAt
    }
  }

  /** A request, and what is in its answer. */
  const answered = (url: string, init: RequestInit, isWork: boolean): Effect.Effect<Answer> =>
    Effect.suspend(() => {
      const startedAt = now()
      return Effect.tryPromise({
        try: (signal) =>
          bounded(fetch, isWork)(url, { ...init, signal }).then((response) =>
            response.text().then((text) => ({ text, ok: response.ok }))
          ),
        catch: faultAt(url)
      }).pipe(
        Effect.map(({ ok, text }) => answerOf(text, ok, now() - startedAt)),
        Effect.catch((fault) => Effect.succeed(failedOf(fault, startedAt)))
      )
    })

  const call: AgentWire["Service"]["call"] = (at, asked) =>
    answered(urlOf(at, asked), initOf(at, asked), asked.method === "send")

  const card: AgentWire["Service"]["card"] = (url) => answered(url, { headers: { accept: "application/json" } }, false)

  const stream: AgentWire["Service"]["stream"] = (at, asked, record, plain = false) =>
    Effect.scoped(Effect.gen(function*() {
      const url = urlOf(at, asked)
      const init = initOf(at, asked)
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort())
      )
      const through: typeof globalThis.fetch = (input, init) =>
        fetch(input, init).then((response) => {
          record.head(response.headers, now())
          return response.body === null ? response : new Response(
            response.body.pipeThrough(
              new TransformStream<Uint8Array, Uint8Array>({
                transform: (bytes, controller) => {
                  record.chunk(bytes, now())
                  controller.enqueue(bytes)
                }
              })
            ),
            { status: response.status, statusText: response.statusText, headers: response.headers }
          )
        })
      const request = Effect.tryPromise({
        try: () =>
          bounded(through, false)(url, {
            ...init,
            headers: {
              ...init.headers as Record<string, string>,
              accept: "text/event-stream",
              // As most clients do: ours would see no compression.
              "accept-encoding": plain ? "identity" : "gzip, deflate"
            },
            signal: controller.signal
          }),
        catch: faultAt(url)
      })
      return yield* Effect.gen(function*() {
        const response = yield* request
        if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true) {
          const text = yield* Effect.tryPromise({ try: () => response.text(), catch: faultAt(url) })
          const answer = answerOf(text, response.ok, now() - record.startedAt)
          return answer._tag === "Answered"
            ? failedOf(notAStream, record.startedAt)
            : answer
        }
        return yield* readEvents(url, response, record)
      }).pipe(Effect.catch((fault) => Effect.succeed(failedOf(fault, record.startedAt))))
    }))

  /** Reads the events that the guard has let through; each is one line of data, or an error. */
  const readEvents = (url: string, response: Response, record: StreamRecord): Effect.Effect<StreamFault, AgentFault> =>
    Effect.gen(function*() {
      const reader = response.body!.getReader()
      const decoder = new TextDecoder()
      const flawOf = makeFrameOrder()
      let rest = ""
      while (true) {
        const { done, value } = yield* Effect.tryPromise({ try: () => reader.read(), catch: faultAt(url) })
        if (done) return undefined
        const events = (rest + decoder.decode(value, { stream: true })).split("\n\n")
        rest = events.pop()!
        const at = now()
        for (const event of events) {
          const answer = answerOf(event.slice(event.indexOf("data: ") + 6), true, at - record.startedAt)
          if (answer._tag !== "Answered") return answer
          const flaw = flawOf(answer.frame)
          if (flaw !== undefined) return failedOf(malformed(flaw), record.startedAt)
          record.frame(answer.frame, at)
          if (record.isOver()) return undefined
        }
      }
    })

  return AgentWire.of({ card, call, stream })
}

const notAStream = new AgentFault({
  reason: FailReason.cases.ServerError.make({ status: 200, detail: "JSON instead of a stream of events" })
})

const faultAt = (url: string) => (error: unknown) => new AgentFault({ reason: reasonOf(url, error) })

/** What the text of an answer says: a result of JSON-RPC or HTTP+JSON, or an error of one of them. */
const answerOf = (text: string, ok: boolean, millis: number): Exclude<Answer, { readonly _tag: "Failed" }> => {
  const parsed = parseJson(text)
  const json = Result.isSuccess(parsed) ? parsed.success : undefined
  const members = isObject(json) ? json : {}
  const error = isObject(members["error"]) ? members["error"] : ok ? undefined : members
  if (error !== undefined) {
    const { code, message } = error
    return {
      _tag: "Refused",
      code: typeof code === "number" ? code : null,
      detail: typeof message === "string" && message !== "" ? oneLine(message) : "an error without a message",
      millis
    }
  }
  if (json === undefined) return { _tag: "Refused", code: null, detail: "the answer is not JSON", millis }
  const result = members["jsonrpc"] === "2.0" ? members["result"] : json
  return { _tag: "Answered", json, frame: readFrame(result), millis }
}

const METHODS = {
  send: ["SendMessage", "message/send"],
  stream: ["SendStreamingMessage", "message/stream"],
  get: ["GetTask", "tasks/get"],
  cancel: ["CancelTask", "tasks/cancel"],
  subscribe: ["SubscribeToTask", "tasks/resubscribe"]
} as const

const isRest = ({ binding }: AgentInterface): boolean => binding.toUpperCase() === "HTTP+JSON"

const urlOf = (at: AgentInterface, call: AgentCall): string => {
  if (!isRest(at)) return at.url
  const base = at.url.replace(/\/+$/, "")
  const id = "taskId" in call ? encodeURIComponent(call.taskId) : ""
  switch (call.method) {
    case "send":
      return `${base}/message:send`
    case "stream":
      return `${base}/message:stream`
    case "get":
      return `${base}/tasks/${id}?historyLength=0`
    case "cancel":
      return `${base}/tasks/${id}:cancel`
    case "subscribe":
      return `${base}/tasks/${id}:subscribe`
  }
}

const initOf = (at: AgentInterface, call: AgentCall): RequestInit => {
  const isLegacy = at.version === "0.3"
  const headers = {
    "content-type": "application/json",
    ...(isLegacy
      ? { "x-a2a-extensions": TOKEN_EXTENSION_URI }
      : { "a2a-version": "1.0", "a2a-extensions": TOKEN_EXTENSION_URI })
  }
  if (isRest(at)) {
    if (call.method === "get") return { headers }
    return { method: "POST", headers, body: JSON.stringify("taskId" in call ? {} : paramsOf(call, false)) }
  }
  const body = {
    jsonrpc: "2.0",
    id: randomUUID(),
    method: METHODS[call.method][isLegacy ? 1 : 0],
    params: paramsOf(call, isLegacy)
  }
  return { method: "POST", headers, body: JSON.stringify(body) }
}

const paramsOf = (call: AgentCall, isLegacy: boolean): unknown => {
  if ("taskId" in call) return call.method === "get" ? { id: call.taskId, historyLength: 0 } : { id: call.taskId }
  const { contextId, method, text, waits = false } = call
  const context = contextId === undefined ? {} : { contextId }
  const messageId = randomUUID()
  if (isLegacy) {
    return {
      message: { kind: "message", messageId, role: "user", parts: [{ kind: "text", text }], ...context },
      configuration: { acceptedOutputModes: ["text/plain"], blocking: waits }
    }
  }
  return {
    message: {
      messageId,
      role: "ROLE_USER",
      parts: [{ text }],
      extensions: [TOKEN_EXTENSION_URI],
      ...context
    },
    ...(method === "send" && !waits ? { configuration: { returnImmediately: true } } : {})
  }
}
