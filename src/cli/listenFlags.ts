/**
 * Where and how an agent of ours listens: the flags of `serve purple` and `serve green`, the first three of them as
 * AgentBeats gives them.
 *
 * The token that clients must present is `CAMPAIGN_SERVE_TOKEN`: never a flag, because flags are seen by everybody on the
 * machine. Without one, an agent that listens for other machines says so.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ServeOptions } from "../a2a/A2aServer.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import * as Authenticator from "../a2a/Authenticator.ts"
import { timeOf } from "../text/DurationText.ts"
import { orExit } from "./CommandError.ts"
import { parseUrl } from "./EngineAddress.ts"
import { integer, optional, positive, timeWithUnit, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"

/** The port where AgentBeats expects an agent. */
const AGENT_PORT = 9009
const DRAIN_MILLIS = 10_000

const Grace = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text === "off" || timeOf(text) !== undefined
      ? undefined
      : `Expected a time such as 90s or 2min, or off; got "${text}"`
  )
)

export const listenFlags = {
  host: flags.host,
  port: flags.port(AGENT_PORT),
  cardUrl: flags.cardUrl,
  orphanGrace: Flag.String("orphan-grace").pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription(
      "How long a task goes on when nobody reads it any more before it is cancelled, such as 5m, or off (30s)"
    ),
    Flag.withSchema(Grace),
    Flag.withFallbackConfig(Config.schema(Grace, variableOf("orphan-grace"))),
    optional
  ),
  drain: timeWithUnit("drain", "How long tasks may go on when the agent is told to stop, such as 2m (10s)"),
  maxTasks: integer("max-tasks", {
    schema: positive,
    default: 2000,
    description: "How many tasks may be at work at once; who comes then is told to come again"
  })
}

interface ListenValues {
  readonly host: string
  readonly port: number
  readonly cardUrl: Option.Option<string>
  readonly orphanGrace: string | undefined
  readonly drain: number | undefined
  readonly maxTasks: number
}

const serveToken = Config.Redacted("CAMPAIGN_SERVE_TOKEN").pipe(Config.option)

/** How the agent is served. Fails with wrong usage. */
export const listenOptions = Effect.fnUntraced(function*(values: ListenValues) {
  const { drain = DRAIN_MILLIS, host, maxTasks, orphanGrace, port } = values
  const cardUrl = Option.isSome(values.cardUrl) ? yield* parseUrl("card-url", values.cardUrl.value) : undefined
  const token = yield* orExit(serveToken)
  const hasToken = Option.isSome(token) && Redacted.value(token.value) !== ""
  if (!hasToken && !AddressRule.isLoopbackHost(host)) {
    yield* Console.error(
      `campaign: whoever reaches ${host}:${port} may use this agent; to demand a bearer token, set CAMPAIGN_SERVE_TOKEN`
    )
  }
  const options: ServeOptions = {
    host,
    port,
    cardUrl,
    drain,
    mostTasks: maxTasks,
    orphanGrace: orphanGrace === "off"
      ? Duration.infinity
      : orphanGrace === undefined
      ? undefined
      : timeOf(orphanGrace),
    authenticator: hasToken ? Authenticator.bearerToken(token.value) : undefined
  }
  return options
})
