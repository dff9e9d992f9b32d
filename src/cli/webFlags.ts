/**
 * The web dashboard of `run` and `resume`: their flags, and how it is said where it is.
 *
 * The token of a dashboard that other machines reach is `CAMPAIGN_DASHBOARD_TOKEN`, or one that is made for it; never a
 * flag, because flags are seen by everybody on the machine. It is printed once, in the link.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { WebDashboard } from "../web/WebDashboard.ts"
import { CommandError, inputError, orExit, usageError } from "./CommandError.ts"
import { optional, switchedOn, text, variableOf } from "./flagKinds.ts"
import * as flags from "./flags.ts"

/** Beside the ports of the simulated engine, of the tap and of agents. */
export const DASHBOARD_PORT = 8200

const PortNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))

export const webFlags = {
  web: switchedOn("web", "Show the campaign on a web page, too, at http://127.0.0.1:8200/ unless told otherwise"),
  webPort: Flag.Int("web-port").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("The port of the web page, 0 for any free one; implies --web (8200)"),
    Flag.withSchema(PortNumber),
    Flag.withFallbackConfig(Config.schema(PortNumber, variableOf("web-port"))),
    optional
  ),
  webHost: optional(
    text("web-host", {
      metavar: "ADDRESS",
      description:
        "The address at which the web page is served, 0.0.0.0 for all; other machines need the token in the printed " +
        "link; implies --web (127.0.0.1)"
    })
  ),
  metrics: flags.metrics.pipe(
    Flag.withDescription(
      "Count what happens, and show it to Prometheus at /metrics of the web page; --no-metrics for not (on)"
    )
  )
}

export interface WebPlace {
  readonly host: string
  readonly port: number
}

export interface WebValues {
  readonly web: boolean
  readonly webPort: number | undefined
  readonly webHost: string | undefined
}

const dashboardToken = Config.Redacted("CAMPAIGN_DASHBOARD_TOKEN").pipe(Config.option)

/** Where and for whom a dashboard listens; fails where the token cannot be read. */
export const listening = Effect.fnUntraced(function*({ host, port }: WebPlace, database: string) {
  const given = yield* orExit(dashboardToken)
  const token = Option.getOrUndefined(Option.filter(given, (token) => Redacted.value(token) !== ""))
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(Redacted.value(token))) {
    return yield* usageError(
      "CAMPAIGN_DASHBOARD_TOKEN holds a space or a character that no header can carry; use letters, digits and signs of ASCII"
    )
  }
  return { host, port, token, database }
})

/** Where the dashboard that was asked for listens; `undefined` where none was. */
export const webPlace = ({ web, webHost, webPort }: WebValues): WebPlace | undefined =>
  web || webPort !== undefined || webHost !== undefined
    ? { host: webHost ?? "127.0.0.1", port: webPort ?? DASHBOARD_PORT }
    : undefined

/** The dashboard of a campaign that this process runs, or none. */
export const webLayer = (place: WebPlace | undefined, database: string): Layer.Layer<WebDashboard, CommandError> =>
  place === undefined
    ? WebDashboard.layerNone
    : Layer.unwrap(Effect.map(listening(place, database), WebDashboard.layer)).pipe(
      Layer.catch((error) =>
        Layer.effect(
          WebDashboard,
          Effect.fail(
            error instanceof CommandError
              ? error
              : inputError(error.message.replaceAll("--port", "--web-port").replaceAll("--host", "--web-host"))
          )
        )
      )
    )

/** Says where it is, if it is anywhere. */
export const sayWhere = Effect.gen(function*() {
  const { link, url } = yield* WebDashboard
  if (link === null) return
  yield* Console.error(`campaign: dashboard at ${Redacted.value(link)}`)
  if (Redacted.value(link) === url) return
  yield* Console.error(
    "campaign: whoever has that link may look; on another machine, put the name of this one in the place of its address"
  )
})
