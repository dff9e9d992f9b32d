// Whatever an agent answers, a probe of it ends, with something to say, and finds it fit for nothing that it cannot do.
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { probeAgent } from "../../src/probe/AgentProbe.ts"
import { AgentWire } from "../../src/probe/AgentWire.ts"
import { type AgentReport, analyseAgent, reportJson } from "../../src/probe/analyseAgent.ts"
import { UpstreamWatch } from "../../src/probe/UpstreamWatch.ts"
import { cases } from "../a2a/hostileCases.ts"
import { type Behaviour, hostileAgent, json, later } from "../support/hostileAgent.ts"

const AT_ONCE = 8

/** A task that is never over, with cards that stop being answered. */
const stuck: Behaviour = {
  stream: (response, { rpc }) =>
    json(response, { jsonrpc: "2.0", id: rpc?.id, error: { code: -32004, message: "no streams here" } }),
  methods: {
    SendMessage: (response, { rpc }) =>
      json(response, {
        jsonrpc: "2.0",
        id: rpc?.id,
        result: { task: { id: "t", contextId: "c", status: { state: "TASK_STATE_WORKING" } } }
      }),
    GetTask: () => {},
    CancelTask: () => {}
  }
}
const others: ReadonlyArray<{ readonly name: string; readonly behaviour: Behaviour }> = [
  { name: "a task that is never answered for", behaviour: stuck },
  { name: "nothing at all to a message", behaviour: { stream: () => {}, methods: { SendMessage: () => {} } } },
  {
    name: "a body that trickles",
    behaviour: {
      stream: (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        const more = () => {
          if (response.destroyed) return
          response.write(": \n")
          later(more, 20)
        }
        more()
      }
    }
  }
]
const all = [...cases, ...others]

class Reports extends Context.Service<Reports, ReadonlyMap<string, AgentReport>>()("test/HostileReports") {
  static readonly layer = Layer.effect(
    Reports,
    Effect.map(
      Effect.forEach(all, ({ behaviour, name }) =>
        Effect.scoped(Effect.gen(function*() {
          const { url } = yield* hostileAgent(behaviour)
          const settings = { url, prompt: "hi", patienceMillis: 300, pollMillis: 50, settleMillis: 50 }
          const measured = yield* probeAgent(settings, () => Effect.void)
          return [name, analyseAgent(measured)] as const
        })), { concurrency: AT_ONCE }),
      (reports) => new Map(reports)
    )
  ).pipe(Layer.provide([AgentWire.layer({ tokens: new Map(), answerMillis: 300 }), UpstreamWatch.layerNone]))
}

layer(Reports.layer, { excludeTestServices: true, timeout: 60_000 })("a probe of an agent that answers with", (it) => {
  for (const { name } of all) {
    it.effect(`${name} ends with a finding`, () =>
      Effect.gen(function*() {
        const report = (yield* Reports).get(name)
        assert.isDefined(report)
        if (report === undefined) return
        const told = reportJson(report)
        assert.isNotEmpty(report.findings, told)
        assert.isFalse(report.fit.watched, told)
        assert.isBelow(told.length, 20_000)
        for (const { remedy, what } of report.findings) {
          // oxlint-disable-next-line no-control-regex
          assert.notMatch(what + remedy, /[\u0000-\u001f\u007f]/)
          assert.isBelow(what.length, 1000)
        }
      }))
  }
})
