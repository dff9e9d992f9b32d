/**
 * `campaign dashboard`: a campaign on a web page, whoever runs it and whether anybody does.
 *
 * It writes nothing and needs no lock. A campaign that runs in another process is shown as it goes; one that nobody runs
 * is shown as it is stored, and becomes live when somebody begins to run it.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { WebDashboard } from "../web/WebDashboard.ts"
import { orExit } from "./CommandError.ts"
import { switchedOn } from "./flagKinds.ts"
import * as flags from "./flags.ts"
import { followCampaign } from "./followCampaign.ts"
import { metricsIf } from "./metricsIf.ts"
import * as storedStatus from "./storedStatus.ts"
import { DASHBOARD_PORT, listening, sayWhere } from "./webFlags.ts"

export const dashboard = Command.make(
  "dashboard",
  {
    db: flags.storedDatabase,
    host: flags.host,
    port: flags.port(DASHBOARD_PORT),
    metrics: flags.metrics,
    json: switchedOn("json", "Print one JSON object with the address on stdout, once it listens")
  },
  Effect.fn("campaign.dashboard")(function*({ db, host, json, metrics, port }) {
    yield* orExit(storedStatus.read(db))
    const options = yield* listening({ host, port }, db)
    return yield* Effect.gen(function*() {
      const web = yield* WebDashboard
      if (json) {
        const link = web.link === null ? null : Redacted.value(web.link)
        yield* Console.log(JSON.stringify({ url: web.url, link, db }))
      } else yield* sayWhere
      return yield* followCampaign(db)
    }).pipe(Effect.provide(WebDashboard.layer(options).pipe(Layer.provideMerge(metricsIf(metrics)))), orExit)
  })
).pipe(
  Command.withDescription(
    "Show a campaign on a web page: battles as they come, stalls with their evidence, coverage, engines, and every " +
      "battle's transcript. It may run in another terminal, which is not disturbed (all is then shown two seconds late), " +
      "or have ended. The page is for this machine; with --host for others, the printed link holds a token, which is " +
      "CAMPAIGN_DASHBOARD_TOKEN or made anew. It goes on until Ctrl-C."
  ),
  Command.withShortDescription("Show a campaign on a web page: while it runs in another terminal, and afterwards."),
  Command.withExamples([
    { command: "campaign dashboard --db night.db", description: "At http://127.0.0.1:8200/" },
    {
      command: "campaign dashboard --db night.db --host 0.0.0.0",
      description: "For other machines, too: open the link that is printed"
    },
    {
      command: "ssh -L 8200:127.0.0.1:8200 gpu-host campaign dashboard --db night.db",
      description: "On another machine, through a tunnel: open http://127.0.0.1:8200/"
    }
  ])
)
