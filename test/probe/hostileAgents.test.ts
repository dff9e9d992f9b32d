// Whatever an agent answers, a probe of it ends, with something to say, and finds it fit for nothing that it cannot do.
import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { probeAgent } from "../../src/probe/AgentProbe.ts"
import { AgentWire } from "../../src/probe/AgentWire.ts"
import { type AgentReport, analyseAgent, reportJson } from "../../src/probe/analyseAgent.ts"
import { UpstreamWatch } from "../../src/probe/UpstreamWatch.ts"
import { cases, task, token } from "../a2a/hostileCases.ts"
import { beginStream, type Behaviour, frame, hostileAgent, json, later } from "../support/hostileAgent.ts"
import { eventually } from "../support/scriptedServer.ts"

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

const settingsFor = (url: string) => ({ url, prompt: "hi", patienceMillis: 300, pollMillis: 50, settleMillis: 50 })

class Reports extends Context.Service<Reports, ReadonlyMap<string, AgentReport>>()("test/HostileReports") {
  static readonly layer = Layer.effect(
    Reports,
    Effect.map(
      Effect.forEach(all, ({ behaviour, name }) =>
        Effect.scoped(Effect.gen(function*() {
          const { url } = yield* hostileAgent(behaviour)
          const measured = yield* probeAgent(settingsFor(url), () => Effect.void)
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

describe("an answer that is given up", () => {
  it.live("is cancelled, and its connection closed", () =>
    Effect.gen(function*() {
      const agent = yield* hostileAgent({
        stream: (response, request) => {
          beginStream(response)
          response.write(frame(request, task) + frame(request, token("a")))
        }
      })
      const { stream } = yield* probeAgent(settingsFor(agent.url), () => Effect.void)
      assert.deepInclude(stream, { outcome: "silent", textFrames: 1, taskId: "t" })
      const cancelled = agent.requests.flatMap(({ rpc }) => rpc?.method === "CancelTask" ? [rpc.params.id] : [])
      assert.deepStrictEqual(cancelled, ["t"])
      yield* eventually("every connection is closed", () => agent.openAnswers() === 0)
    }).pipe(
      Effect.scoped,
      Effect.provide([AgentWire.layer({ tokens: new Map(), answerMillis: 300 }), UpstreamWatch.layerNone])
    ))
})
