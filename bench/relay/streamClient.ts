/**
 * Child process: the official client, which reads one stream at a time to its end and keeps the text.
 *
 * Its `fetch` has no time limits, so that a slow agent is measured and not cut off.
 */
import { type Artifact, Role, type SendMessageRequest, type StreamResponse, TaskState } from "@a2a-js/sdk"
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client"
import { createHash, randomUUID } from "node:crypto"
import { performance } from "node:perf_hooks"
import * as undici from "undici"
import { answerCalls } from "../support/answerCalls.ts"
import type { Calls, Reception } from "./calls.ts"

const dispatcher = new undici.Agent({ bodyTimeout: 0, headersTimeout: 0 })
const fetchImpl =
  ((input: string, init: undici.RequestInit) => undici.fetch(input, { ...init, dispatcher })) as unknown as typeof fetch

const factory = new ClientFactory({
  transports: [new JsonRpcTransportFactory({ fetchImpl })],
  cardResolver: new DefaultAgentCardResolver({ fetchImpl })
})

const message = (): SendMessageRequest => ({
  tenant: "",
  message: {
    messageId: randomUUID(),
    contextId: "",
    taskId: "",
    role: Role.ROLE_USER,
    parts: [{
      content: { $case: "text", value: "Say something long." },
      metadata: undefined,
      filename: "",
      mediaType: "text/plain"
    }],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: []
  },
  configuration: undefined,
  metadata: undefined
})

const textOf = (artifact: Artifact): string =>
  artifact.parts.map(({ content }) => content?.$case === "text" ? content.value : "").join("")

/** Keeps what one stream says. */
const makeReader = () => {
  const sentAt = performance.now()
  /** The text of each artifact, in the order in which they began. */
  const texts = new Map<string, string>()
  let events = 0
  let firstTextMillis: number | null = null
  let lastEventMillis = 0
  let completed = false

  const take = (artifact: Artifact, append: boolean) => {
    const text = textOf(artifact)
    texts.set(artifact.artifactId, append ? (texts.get(artifact.artifactId) ?? "") + text : text)
    if (text !== "") firstTextMillis ??= lastEventMillis
  }

  return {
    read: ({ payload }: StreamResponse) => {
      events++
      lastEventMillis = performance.now() - sentAt
      completed = false
      if (payload?.$case === "task") { for (const artifact of payload.value.artifacts) take(artifact, false) }
      if (payload?.$case === "artifactUpdate" && payload.value.artifact !== undefined) {
        take(payload.value.artifact, payload.value.append)
      }
      if (payload?.$case === "statusUpdate") completed = payload.value.status?.state === TaskState.TASK_STATE_COMPLETED
    },
    reception: (): Reception => {
      const text = [...texts.values()].join("")
      return {
        events,
        characters: text.length,
        hash: createHash("sha256").update(text).digest("hex"),
        firstTextMillis,
        lastEventMillis,
        completed
      }
    }
  }
}

let reader = makeReader()

answerCalls<Calls>({
  converse: async ({ url }) => {
    const client = await factory.createFromUrl(url)
    reader = makeReader()
    for await (const event of client.sendMessageStream(message())) reader.read(event)
    return reader.reception()
  },
  received: async () => reader.reception()
})
