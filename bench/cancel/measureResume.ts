/**
 * Measures a reader that leaves and comes back while the engine goes on: what it has at the end, and what each of its
 * lives has seen.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { createHash } from "node:crypto"
import { startAgentProcess } from "../relay/agentProcess.ts"
import type { AgentName } from "../relay/calls.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import { startResumingClient } from "./measureClosing.ts"
import type { ResumeCell } from "./Results.ts"

export interface ResumeOptions {
  readonly agent: AgentName
  readonly tokens: number
  readonly tokensPerSecond: number
  readonly drops: number
  readonly limitSeconds: number
}

const expectedHash = (tokens: number): string => {
  const hash = createHash("sha256")
  for (let token = 0; token < tokens; token++) hash.update(`${token};`)
  return hash.digest("hex")
}

/** One cell. What goes wrong with an agent is a result. */
export const measureResume = (options: ResumeOptions): Effect.Effect<ResumeCell> =>
  Effect.catch(
    Effect.scoped(measure(options)),
    ({ message }) => Effect.succeed({ ...nothing(options), detail: message })
  )

const measure = Effect.fnUntraced(function*(options: ResumeOptions) {
  const { drops, limitSeconds, tokens, tokensPerSecond } = options
  const engine = yield* startEngineProcess
  const agent = yield* startAgentProcess(options.agent)
  const client = yield* startResumingClient
  const engineUrl = yield* engine.call("startEngine", {
    tokens,
    gapMillis: 1000 / tokensPerSecond,
    silentAfter: null,
    text: "numbered"
  })
  const url = yield* agent.call("startAgent", { engineUrl: `${engineUrl}/v1`, maxTokens: tokens })
  const ended = yield* Effect.timeoutOption(client.call("resume", { url, drops, tokens }), limitSeconds * 1000)
  if (Option.isNone(ended)) return { ...nothing(options), notWithinSeconds: limitSeconds }
  return { ...nothing(options), resumption: ended.value, textRight: ended.value.hash === expectedHash(tokens) }
})

const nothing = ({ agent, drops, tokens }: ResumeOptions): ResumeCell => ({
  agent,
  tokens,
  drops,
  resumption: null,
  textRight: false,
  notWithinSeconds: null,
  detail: null
})
