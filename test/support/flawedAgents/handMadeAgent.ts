// @effect-diagnostics globalDate:off globalTimers:off
/**
 * An A2A agent written by hand on node:http, with one flaw or none. It does what the SDKs keep their users from doing: it
 * flushes late, tells the same twice, forgets, pretends.
 *
 * Plain promises, because one of them runs in a thread whose event loop stands still. A hang stops what is told of the
 * task; the engine is read to its end all the same, as by an agent that is stuck behind its reader.
 */
import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { createGzip } from "node:zlib"
import { type ChatMessage, type EngineAddress, streamed, whole } from "./engineCall.ts"
import { cardJson, type Event, eventJson, isOver, methodsOf, type Task, taskJson, type Version } from "./wireOfTask.ts"

/** In which messages an agent hangs: data, because it may have to cross into another thread. */
export interface HangRule {
  /** How many pieces of the answer it tells before. */
  readonly after: number
  /** The numbers of the messages, the first being 0; all unless given. */
  readonly messages?: ReadonlyArray<number>
}

/** After how many pieces the agent hangs in this message; undefined where it does not. */
export const hangsAfter = (rule: HangRule | undefined, message: number): number | undefined =>
  rule === undefined || rule.messages?.includes(message) === false ? undefined : rule.after

export interface FixtureOptions extends EngineAddress {
  /** Where it hangs; where its flaw makes it, or nowhere, unless given. */
  readonly hang?: HangRule | undefined
}

/** How pieces of the answer are told. `end`: nothing but a status at the end, with the whole text. */
export type Voice = "append" | "replace" | "pieces" | "artifacts" | "end"

export interface HandMadeOptions extends FixtureOptions {
  readonly name: string
  readonly version?: Version
  /** What the card says. */
  readonly streaming?: boolean
  readonly voice?: Voice
  /** How the engine is asked; a function gets the whole answer while everything stands still. */
  readonly upstream?: "streamed" | "whole" | ((messages: ReadonlyArray<ChatMessage>) => string)
  /** When frames of a stream go out. */
  readonly delivery?: "at once" | "at the end" | "compressed"
  /** Whether a send that is not to wait is answered at once. */
  readonly returnsImmediately?: boolean
  readonly cancel?: "honoured" | "unsupported" | "pretended"
  readonly subscribes?: boolean
  /** What is said while nothing is relayed. */
  readonly heartbeat?: "comments" | "statuses" | "none"
  readonly heartbeatMillis?: number
  /** Whether a task is told with the time of asking in its status. */
  readonly stampsAnswers?: boolean
  /** Whether the model is told what was said in the context before. */
  readonly remembers?: boolean
}

interface Running {
  readonly task: Task
  readonly abort: AbortController
  readonly listeners: Set<(event: Event) => void>
}

interface Rpc {
  readonly id: unknown
  readonly method: string
  readonly params: any
}

export interface StartedAgent {
  readonly url: string
  readonly close: () => void
}

export const handMadeAgent = async (options: HandMadeOptions): Promise<StartedAgent> => {
  const {
    cancel = "honoured",
    delivery = "at once",
    hang,
    heartbeat = "none",
    heartbeatMillis = 25,
    name,
    remembers = true,
    returnsImmediately = true,
    streaming = true,
    stampsAnswers = false,
    subscribes = true,
    upstream = "streamed",
    version = "1.0",
    voice = "append"
  } = options
  const methods = methodsOf(version)
  const tasks = new Map<string, Running>()
  const conversations = new Map<string, Array<ChatMessage>>()
  let messages = 0
  let url = ""

  const tell = ({ listeners }: Running, event: Event): void => {
    for (const listener of listeners) listener(event)
  }

  const setStatus = (running: Running, state: Task["state"], text = ""): void => {
    const { task } = running
    if (isOver(task)) return
    Object.assign(task, { state, text, statusAt: new Date().toISOString() })
    tell(running, { kind: "status" })
  }

  const say = (running: Running, piece: string, index: number, soFar: string): void => {
    const { task } = running
    if (isOver(task) || voice === "end") return
    const id = voice === "artifacts" ? `answer-${index}` : "answer"
    const text = voice === "replace" ? soFar : piece
    const append = voice === "append" && index > 0
    task.artifacts.set(id, append ? (task.artifacts.get(id) ?? "") + text : text)
    tell(running, { kind: "artifact", id, text, append })
  }

  async function* pieces(asked: ReadonlyArray<ChatMessage>, signal: AbortSignal): AsyncGenerator<string> {
    if (upstream === "streamed") return yield* streamed({ ...options, messages: asked, signal })
    if (upstream === "whole") return yield await whole({ ...options, messages: asked, signal })
    yield upstream(asked)
  }

  const work = async (running: Running, text: string, index: number): Promise<void> => {
    const { abort, task } = running
    const before = remembers ? conversations.get(task.contextId) ?? [] : []
    const question: ChatMessage = { role: "user", content: text }
    const most = hangsAfter(hang, index) ?? Infinity
    let count = 0
    let soFar = ""
    setStatus(running, "working")
    // What was written until now goes out before a call that blocks everything.
    await new Promise((resolve) => setTimeout(resolve, 5))
    for await (const piece of pieces([...before, question], abort.signal)) {
      if (count >= most) continue
      soFar += piece
      say(running, piece, count++, soFar)
    }
    if (most < Infinity) return
    conversations.set(task.contextId, [...before, question, { role: "assistant", content: soFar }])
    setStatus(running, "completed", voice === "end" ? soFar : "")
  }

  const begin = ({ message }: any): Running => {
    const text = (message.parts as ReadonlyArray<{ text?: string }>).map((part) => part.text ?? "").join("")
    const task: Task = {
      id: randomUUID(),
      contextId: message.contextId || randomUUID(),
      state: "submitted",
      text: "",
      statusAt: new Date().toISOString(),
      artifacts: new Map()
    }
    const running: Running = { task, abort: new AbortController(), listeners: new Set() }
    tasks.set(task.id, running)
    const index = messages++
    setImmediate(() => {
      work(running, text, index).catch((error) => {
        if (!running.abort.signal.aborted) setStatus(running, "failed", String(error))
      })
    })
    return running
  }

  const json = (response: ServerResponse, body: unknown, status = 200): void => {
    response.writeHead(status, { "content-type": "application/json" })
    response.end(JSON.stringify(body))
  }

  const follow = (request: IncomingMessage, response: ServerResponse, rpc: Rpc, running: Running): void => {
    const compresses = delivery === "compressed" && /gzip/.test(String(request.headers["accept-encoding"]))
    const gzip = compresses ? createGzip() : undefined
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      ...(gzip === undefined ? {} : { "content-encoding": "gzip" })
    })
    response.flushHeaders()
    gzip?.pipe(response)
    const held: Array<string> = []
    const write = (text: string): void => {
      if (delivery === "at the end") held.push(text)
      else (gzip ?? response).write(text)
    }
    const beats = heartbeat === "none" ? undefined : setInterval(() => {
      if (heartbeat === "comments") write(": keep-alive\n\n")
      else onEvent({ kind: "status" })
    }, heartbeatMillis)
    const end = (): void => {
      clearInterval(beats)
      running.listeners.delete(onEvent)
      if (response.destroyed) return
      ;(gzip ?? response).end(held.join(""))
    }
    const onEvent = (event: Event): void => {
      write(
        `data: ${JSON.stringify({ jsonrpc: "2.0", id: rpc.id, result: eventJson(version, running.task, event) })}\n\n`
      )
      if (event.kind === "status" && isOver(running.task)) end()
    }
    response.on("close", end)
    running.listeners.add(onEvent)
    onEvent({ kind: "task" })
  }

  const answer = async (request: IncomingMessage, response: ServerResponse, rpc: Rpc): Promise<void> => {
    const fail = (code: number, message: string) =>
      json(response, { jsonrpc: "2.0", id: rpc.id, error: { code, message } })
    const succeed = (result: unknown) => json(response, { jsonrpc: "2.0", id: rpc.id, result })
    const { configuration, id } = rpc.params ?? {}
    const known = tasks.get(id)
    switch (rpc.method) {
      case methods.stream:
        if (!streaming) return fail(-32004, "Streaming is not supported by this agent")
        return follow(request, response, rpc, begin(rpc.params))
      case methods.send: {
        const running = begin(rpc.params)
        const mayReturn = version === "1.0"
          ? configuration?.returnImmediately === true
          : configuration?.blocking === false
        if (!(mayReturn && returnsImmediately)) await ended(running)
        const task = taskJson(version, running.task)
        return succeed(version === "1.0" ? { task } : task)
      }
      case methods.get:
        if (known === undefined) return fail(-32001, "Task not found")
        if (stampsAnswers) known.task.statusAt = new Date().toISOString()
        return succeed(taskJson(version, known.task))
      case methods.subscribe:
        if (!subscribes) return fail(-32601, "Method not found")
        if (known === undefined) return fail(-32001, "Task not found")
        if (isOver(known.task)) return fail(-32004, "The task is over")
        return follow(request, response, rpc, known)
      case methods.cancel:
        if (known === undefined) return fail(-32001, "Task not found")
        if (cancel === "unsupported") return fail(-32004, "This operation is not supported")
        if (cancel === "honoured") known.abort.abort()
        setStatus(known, "canceled")
        return succeed(taskJson(version, known.task))
      default:
        return fail(-32601, "Method not found")
    }
  }

  const ended = (running: Running): Promise<void> =>
    new Promise((resolve) => {
      const listener = () => {
        if (!isOver(running.task)) return
        running.listeners.delete(listener)
        resolve()
      }
      running.listeners.add(listener)
      listener()
    })

  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (data: Buffer) => body += data.toString())
    request.on("end", () => {
      if (request.method !== "POST") {
        if (request.url !== "/.well-known/agent-card.json") return json(response, { error: "not found" }, 404)
        return json(response, cardJson(version, { name, streaming, url }))
      }
      void answer(request, response, JSON.parse(body))
    })
  })
  server.on("connection", (socket) => socket.on("error", () => {}))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    close: () => {
      for (const { abort } of tasks.values()) abort.abort()
      server.close()
      server.closeAllConnections()
    }
  }
}
