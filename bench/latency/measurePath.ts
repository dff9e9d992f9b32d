/**
 * Measures one way from the engine to the client under one load: fresh processes, streams opened one after the other, a
 * moment for the compiler, and then as many windows as asked for, without a pause between them.
 *
 * The engine's tokens never end; the streams end with the processes.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { startAgentProcess } from "../relay/agentProcess.ts"
import * as Child from "../support/Child.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import type { Calls, PathName } from "./calls.ts"
import { failedCell, type Load, type PathCell, typicalDelays } from "./Results.ts"

export interface PathOptions extends Load {
  readonly path: PathName
  readonly seconds: number
  readonly windows: number
  /** Streams opened in a second. */
  readonly ramp: number
}

const ENDLESS_TOKENS = 1_000_000
/** At most: as long as is listened, so that a short bench is one. */
const SETTLING_SECONDS = 3
/** What a busy machine may take longer than planned to open the streams. */
const OPENING_SLACK_SECONDS = 10

/** One cell. What goes wrong with a path is a result. */
export const measurePath = (options: PathOptions): Effect.Effect<PathCell> =>
  Effect.catch(Effect.scoped(measure(options)), (error) => Effect.succeed(failedCell(options.path, error.message)))

const measure = Effect.fnUntraced(function*({ path, ramp, seconds, streams, tokensPerSecond, windows }: PathOptions) {
  const engine = yield* startEngineProcess
  const client = yield* Child.start<Calls>("client", new URL("./stampClient.ts", import.meta.url))
  const agent = path === "direct" ? undefined : yield* startAgentProcess(path)
  const engineUrl = yield* engine.call("startEngine", {
    tokens: ENDLESS_TOKENS,
    gapMillis: 1000 / tokensPerSecond,
    silentAfter: null,
    text: "stamped"
  })
  const url = agent === undefined
    ? engineUrl
    : yield* agent.call("startAgent", { engineUrl: `${engineUrl}/v1`, maxTokens: ENDLESS_TOKENS })
  const usage = Effect.all([engine.usage, client.usage, agent === undefined ? Effect.succeed(null) : agent.usage])

  // An agent that cannot keep up is measured all the same.
  yield* Effect.timeoutOption(
    client.call("open", { url, direct: agent === undefined, streams, perSecond: ramp }),
    (streams / ramp + OPENING_SLACK_SECONDS) * 1000
  )
  yield* Effect.sleep(Math.min(SETTLING_SECONDS, seconds) * 1000)
  const [engineBefore, clientBefore, agentBefore] = yield* usage
  const sentBefore = (yield* engine.call("streams", null)).tokens
  yield* client.call("listen", { millis: seconds * 1000, windows })
  const sent = (yield* engine.call("streams", null)).tokens - sentBefore
  const [engineAfter, clientAfter, agentAfter] = yield* usage
  const heard = yield* client.call("heard", null)

  const delivered = heard.reduce((sum, { tokens }) => sum + tokens, 0)
  const cell: PathCell = {
    path,
    detail: null,
    windows: heard,
    delays: typicalDelays(heard),
    sent,
    delivered,
    tokensPerSecond: delivered * 1000 / heard.reduce((sum, { millis }) => sum + millis, 0),
    agentCpuMicrosPerToken: agentBefore === null || agentAfter === null
      ? null
      : (agentAfter.cpuMicros - agentBefore.cpuMicros) / delivered,
    engineCpuMicrosPerToken: (engineAfter.cpuMicros - engineBefore.cpuMicros) / delivered,
    clientCpuMicrosPerToken: (clientAfter.cpuMicros - clientBefore.cpuMicros) / delivered
  }
  yield* Console.error(
    `${streams} streams, ${path}: ${Math.round(cell.tokensPerSecond)} tokens/s, p50 ${cell.delays?.p50.toFixed(2)} ms`
  )
  return cell
})
