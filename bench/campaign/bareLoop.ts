/**
 * Child process, the baseline: a loop around the official client that plays the same battles against the same agents, and
 * keeps nothing but their scores, in memory. No store, no liveness, no plan, no retries, nothing to see.
 *
 * It asks for the same events as a campaign does, so that as many bytes come.
 */
import { Role, type SendMessageRequest, type StreamResponse } from "@a2a-js/sdk"
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client"
import { randomUUID } from "node:crypto"
import { performance } from "node:perf_hooks"
import * as undici from "undici"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import * as AssessmentRequest from "../../src/agents/AssessmentRequest.ts"
import { answerCalls } from "../support/answerCalls.ts"
import type { Calls, Played } from "./calls.ts"
import { battlesOf, participantsOf, taskOf } from "./plannedCampaign.ts"

const dispatcher = new undici.Agent({ bodyTimeout: 0, headersTimeout: 0 })
const fetchImpl =
  ((input: string, init: undici.RequestInit) => undici.fetch(input, { ...init, dispatcher })) as unknown as typeof fetch

const factory = new ClientFactory({
  transports: [new JsonRpcTransportFactory({ fetchImpl })],
  cardResolver: new DefaultAgentCardResolver({ fetchImpl })
})

const message = (text: string): SendMessageRequest => ({
  tenant: "",
  message: {
    messageId: randomUUID(),
    contextId: "",
    taskId: "",
    role: Role.ROLE_USER,
    parts: [{ content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "text/plain" }],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: []
  },
  configuration: undefined,
  metadata: undefined
})

const serviceParameters = { "A2A-Extensions": TOKEN_EXTENSION_URI }

interface Row {
  readonly grade?: { readonly score: number }
}

const rowsOf = ({ payload }: StreamResponse): ReadonlyArray<Row> =>
  payload?.$case !== "artifactUpdate" ?
    [] :
    (payload.value.artifact?.parts ?? []).flatMap(({ content }) =>
      content?.$case === "data" ? (content.value as { readonly results?: ReadonlyArray<Row> }).results ?? [] : []
    )

const loop = async ({ battles, concurrency, greenUrl, purpleUrl }: Played) => {
  const client = await factory.createFromUrl(greenUrl)
  const { repetitions, tasks } = battlesOf(battles)
  const left = Array.from({ length: tasks * repetitions }, (_, index) => index % tasks)
  const scores: Array<number> = []
  const player = async () => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      const task = taskOf(index)
      const request = AssessmentRequest.encode({ participants: participantsOf(purpleUrl), config: { tasks: [task] } })
      for await (const event of client.sendMessageStream(message(request), { serviceParameters })) {
        for (const { grade } of rowsOf(event)) if (grade !== undefined) scores.push(grade.score)
      }
    }
  }
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  await Promise.all(Array.from({ length: concurrency }, player))
  const { system, user } = process.cpuUsage(cpuBefore)
  return {
    scored: scores.filter((score) => score === 1).length,
    tokens: 0,
    wallMillis: performance.now() - began,
    cpuMillis: (system + user) / 1000
  }
}

answerCalls<Calls>({ loop })
