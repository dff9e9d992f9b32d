/**
 * Child process: a client that leaves. It cancels, or it disconnects, or it disconnects and comes back.
 *
 * A reader that comes back checks its own text from the beginning, as the snapshot says it; so what one reader lost is not
 * hidden by the next.
 */
import { createHash } from "node:crypto"
import { type ClientRequest, type IncomingMessage, request } from "node:http"
import { text } from "node:stream/consumers"
import { answerCalls } from "../support/answerCalls.ts"
import { countText } from "../support/countText.ts"
import { machineMillis } from "../wire/machineMillis.ts"
import { cancelTask, type PostRequest, sendStreamingMessage, subscribeToTask } from "../wire/requests.ts"
import type { Calls, Resumption } from "./calls.ts"
import { makeTextCheck, type TextCheck } from "./TextCheck.ts"

interface Artifact {
  readonly parts?: ReadonlyArray<{ readonly text?: string }>
}

/** One event of a stream of A2A 1.0, as far as it is read. */
interface StreamEvent {
  readonly error?: { readonly message?: string }
  readonly result?: {
    readonly task?: { readonly id: string; readonly artifacts?: ReadonlyArray<Artifact> }
    readonly artifactUpdate?: { readonly artifact: Artifact; readonly append?: boolean }
    readonly statusUpdate?: { readonly status: { readonly state: string } }
  }
}

const open = new Set<ClientRequest>()

/** A request on a connection of its own; `onResponse` gets the answer, whose status was good. */
const send = (
  url: string,
  { body, headers, path }: PostRequest,
  onResponse: (response: IncomingMessage) => void,
  onFault: (error: Error) => void
): ClientRequest => {
  const sent = request(new URL(path, url), { method: "POST", headers, agent: false })
  open.add(sent)
  sent.on("close", () => open.delete(sent))
  sent.on("error", onFault)
  sent.on("response", (response) => {
    if (response.statusCode !== 200) return onFault(new Error(`refused: ${response.statusCode}`))
    response.on("error", onFault)
    return onResponse(response)
  })
  sent.end(body)
  return sent
}

const begin = ({ url }: { readonly url: string }) =>
  new Promise<string>((resolve, reject) => {
    const countUpdates = countText("\"artifactUpdate\"")
    let head = ""
    send(url, sendStreamingMessage(), (response) => {
      response.on("data", (piece: Buffer) => {
        if (head.length < 10_000) head += piece.toString()
        if (countUpdates(piece) > 0) resolve(/"task":\{"id":"([^"]+)"/.exec(head)?.[1] ?? "")
      })
    }, reject)
  })

const cancel = ({ taskId, url }: Calls["cancel"]["input"]) =>
  new Promise<Calls["cancel"]["output"]>((resolve, reject) => {
    const sentAt = machineMillis()
    send(url, cancelTask(taskId), (response) => {
      const answeredAt = machineMillis()
      text(response).then((answer) =>
        answer.includes(`"error"`)
          ? reject(new Error(`not cancelled: ${answer}`))
          : resolve({ sentAt, answeredAt }), reject)
    }, reject)
  })

const leave = async () => {
  for (const request of open) request.destroy()
  return machineMillis()
}

interface Reading {
  readonly taskId: string
  readonly check: TextCheck
  readonly completed: boolean
}

const textOf = ({ parts = [] }: Artifact): string => parts.map(({ text = "" }) => text).join("")

/** Reads a stream until it ends or has so many tokens. */
const read = (url: string, request: PostRequest, enough: number) =>
  new Promise<Reading>((resolve, reject) => {
    const check = makeTextCheck()
    let taskId = ""
    let completed = false
    let rest = ""
    const take = ({ error, result }: StreamEvent) => {
      if (error !== undefined) reject(new Error(`the agent says: ${error.message}`))
      if (result?.task !== undefined) {
        taskId = result.task.id
        for (const artifact of result.task.artifacts ?? []) {
          if (textOf(artifact) !== "") check.take(textOf(artifact), false)
        }
      }
      if (result?.artifactUpdate !== undefined) {
        check.take(textOf(result.artifactUpdate.artifact), result.artifactUpdate.append === true)
      }
      completed = result?.statusUpdate?.status.state === "TASK_STATE_COMPLETED"
    }
    const sent = send(url, request, (response) => {
      response.setEncoding("utf8")
      response.on("end", () => resolve({ taskId, check, completed }))
      response.on("data", (piece: string) => {
        const lines = (rest + piece).split("\n")
        rest = lines.pop()!
        for (const line of lines) {
          if (line.startsWith("data:")) take(JSON.parse(line.slice("data:".length)) as StreamEvent)
        }
        // An answer that is no stream.
        if (rest.startsWith("{")) return reject(new Error(rest.slice(0, 200)))
        if (check.tokens() < enough) return undefined
        resolve({ taskId, check, completed })
        return sent.destroy()
      })
    }, reject)
  })

const resume = async ({ drops, tokens, url }: Calls["resume"]["input"]): Promise<Resumption> => {
  const startedAt = machineMillis()
  const readings = [await read(url, sendStreamingMessage(), tokens / (drops + 1))]
  const { taskId } = readings[0]!
  for (let drop = 1; drop <= drops; drop++) {
    const enough = drop === drops ? Infinity : (drop + 1) * tokens / (drops + 1)
    readings.push(await read(url, subscribeToTask(taskId), enough))
  }
  const last = readings.at(-1)!
  const sum = (number: (check: TextCheck) => number) => readings.reduce((sum, { check }) => sum + number(check), 0)
  return {
    readers: readings.length,
    completed: last.completed,
    lost: sum((check) => check.lost()) + tokens - last.check.next(),
    doubled: sum((check) => check.doubled()),
    tokens: last.check.tokens(),
    hash: createHash("sha256").update(last.check.text()).digest("hex"),
    wallMillis: machineMillis() - startedAt
  }
}

answerCalls<Calls>({ begin, cancel, leave, resume })
