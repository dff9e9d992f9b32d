// What follows from measurements, and what never does.
import { assert, describe, it } from "@effect/vitest"
import { displayWidth } from "effect/cli/CliOutput"
import * as Schema from "effect/Schema"
import { isFitFor, renderAgentReport, unfitText } from "../../src/cli/renderAgentReport.ts"
import { AgentMeasurements, type StreamMeasurement } from "../../src/probe/AgentMeasurements.ts"
import { AgentReport, analyseAgent, reportJson } from "../../src/probe/analyseAgent.ts"
import { asked, blocked, card, late, measured, polled, progress, quietPolls, spread, upstream } from "./measured.ts"

const codesOf = (measurements: AgentMeasurements) => analyseAgent(measurements).findings.map(({ code }) => code)
const streamed = (stream: Partial<StreamMeasurement>, more: Partial<AgentMeasurements> = {}) =>
  measured({ stream: { ...spread, ...stream }, ...more })

describe("the analysis of an agent", () => {
  it("has nothing to say of one that is well", () => {
    const report = analyseAgent(measured({}))
    assert.deepStrictEqual(report.findings, [])
    assert.deepInclude(report, { mode: "stream", chosen: "stream" })
    assert.deepStrictEqual(report.fit, { stream: true, tap: false, poll: true, blocking: true, watched: true })
  })

  const faults: ReadonlyArray<readonly [string, AgentMeasurements, ReadonlyArray<string>]> = [
    ["no card", measured({ card: { ...card, path: null, fault: "refused" }, ...asked.nothing }), ["no-card"]],
    ["a card of no use", measured({ card: { ...card, used: null, fault: "x" }, ...asked.nothing }), ["unusable-card"]],
    [
      "a card that leads elsewhere",
      measured({
        card: { ...card, used: { ...card.used!, url: "http://0.0.0.0:9/" } },
        ...asked.nothing,
        stream: { ...spread, outcome: "failed", textFrames: 0, headers: null }
      }),
      ["card-address", "stream-failed"]
    ],
    ["an old card", measured({ card: { ...card, path: ".well-known/agent.json" } }), ["old-card-path"]],
    ["a card that denies a stream", measured({ card: { ...card, streaming: false } }), ["streams-unsaid"]],
    [
      "no stream",
      measured({ card: { ...card, streaming: false }, stream: { ...spread, outcome: "refused", textFrames: 0 } }),
      ["no-streaming"]
    ],
    ["a refused stream", streamed({ outcome: "refused", textFrames: 0 }), ["stream-refused"]],
    ["a stream that ends early", streamed({ outcome: "closed", state: "working" }), ["ends-early"]],
    ["a failed task", streamed({ state: "failed" }), ["answer-failed"]],
    ["a question", streamed({ outcome: "asks", state: "input-required" }), ["asks-back"]],
    ["an empty answer", streamed({ textFrames: 0, lateShare: null, lastTextMillis: null }), ["empty-answer"]],
    ["silence", streamed({ outcome: "silent", textFrames: 0, lateShare: null, lastTextMillis: null }), ["silent"]],
    ["silence in the middle", streamed({ outcome: "silent" }), ["stops-relaying"]],
    ["a fast answer", streamed({ lastTextMillis: 149, lateShare: 1 }), ["too-fast"]],
    ["a pause of our own", streamed({ ...late, pausedMillis: 1001 }), ["paused-here"]],
    ["a late one of which nothing more is known", streamed(late, asked.unpolled), ["buffered-somewhere"]],
    ["a late one and a silent task", streamed({ ...late, side: quietPolls }, asked.unpolled), ["buffered-by-agent"]],
    [
      "a late one and an engine at work",
      streamed({ ...late, upstream: upstream() }, asked.unpolled),
      ["buffered-by-agent"]
    ],
    [
      "a late one and a late engine",
      streamed({ ...late, upstream: upstream({ firstMillis: 3900 }) }, asked.unpolled),
      ["engine-at-once"]
    ],
    ["a late one and a task that grows", streamed({ ...late, side: progress }), ["buffered-behind-task"]],
    [
      "a late one from behind a proxy",
      streamed({ ...late, side: progress, headers: { ...spread.headers!, server: "nginx/1.27" } }),
      ["buffered-by-proxy"]
    ],
    [
      "a late one that compression held",
      streamed({ ...late, side: progress }, { uncompressed: spread }),
      ["buffered-by-compression"]
    ],
    [
      "a late one, compressed or not",
      streamed({ ...late, side: progress }, { uncompressed: { ...spread, ...late } }),
      ["buffered-behind-task"]
    ],
    ["a loop that stands still", streamed({ ...late, side: blocked }), ["blocking-client"]],
    [
      "one message",
      streamed({ ...late, firstFrame: "message", frames: 1, textFrames: 1 }, asked.unpolled),
      ["one-message"]
    ],
    ["bursts", streamed({ arrivals: 6, textFrames: 100 }), ["comes-in-bursts"]],
    ["bursts of tokens", streamed({ arrivals: 6, textFrames: 6, upstream: upstream() }), ["comes-in-bursts"]],
    ["pieces", streamed({ voices: { ...spread.voices, append: 1, piece: 99 } }), ["pieces-without-append"]],
    ["artifacts", streamed({ voices: { ...spread.voices, append: 1, artifact: 99 } }), ["artifact-per-piece"]],
    ["statuses", streamed({ voices: { ...spread.voices, append: 0, status: 60, "status-whole": 40 } }), [
      "text-in-status"
    ]],
    ["replacements", streamed({ voices: { ...spread.voices, append: 1, replace: 99 } }), ["replaces-whole"]],
    ["repetition", streamed({ repeats: 3 }), ["repeats-status"]],
    ["saying it twice", streamed({ saidTwice: true }), ["says-twice"]],
    ["a long silence", streamed({ gapMaxMillis: 15_000 }), ["no-heartbeat"]],
    ["a long silence with comments", streamed({ gapMaxMillis: 15_000, comments: 2 }), []],
    ["a send that fails", measured({ polled: { ...polled, outcome: "failed", atOnce: false } }), ["send-failed"]],
    [
      "a send that waits",
      measured({ card: { ...card, streaming: false }, ...asked.waits, stream: { ...late.stream } }),
      ["no-streaming", "ignores-return-immediately", "nothing-to-cancel"]
    ],
    [
      "a task that shows nothing",
      measured({
        card: { ...card, streaming: false },
        stream: late.stream,
        polled: { ...polled, outcome: "ended", side: quietPolls }
      }),
      ["no-streaming", "polls-show-nothing"]
    ],
    ["nothing to cancel", measured({ cancel: null }), ["nothing-to-cancel"]],
    ["a refused cancel", measured({ cancel: { ...asked.cancel, outcome: "refused" } }), ["cancel-refused"]],
    ["an unanswered cancel", measured({ cancel: { ...asked.cancel, outcome: "unanswered" } }), ["cancel-unanswered"]],
    ["an engine that goes on", measured({ cancel: { ...asked.cancel, stopped: false } }), ["cancel-ignored"]],
    ["an answer that goes on", measured({ cancel: { ...asked.cancel, grewAfter: true } }), ["cancel-ignored"]],
    [
      "a task that goes on",
      measured({ cancel: { ...asked.cancel, state: "working", stateAfter: "working" } }),
      ["cancel-ignored"]
    ],
    ["an engine out of sight", measured({ cancel: { ...asked.cancel, stopped: null } }), ["cancel-unproven"]],
    ["a cancel that came too late", measured({ cancel: { ...asked.cancel, outcome: "ended", stopped: null } }), []],
    ...(["refused", "failed", "silent"] as const).map((outcome) =>
      [`a subscription that is ${outcome}`, measured({ resubscription: { ...asked.resubscription, outcome } }), [
        "no-resubscription"
      ]] as const
    ),
    ["no snapshot", measured({ resubscription: { ...asked.resubscription, outcome: "no-snapshot" } }), [
      "resubscription-without-snapshot"
    ]],
    ["loss", measured({ resubscription: { ...asked.resubscription, outcome: "lost" } }), ["resubscription-loses"]],
    ["doubling", measured({ resubscription: { ...asked.resubscription, outcome: "doubled" } }), [
      "resubscription-doubles"
    ]],
    ["no word and no count", measured({ conversation: { ...asked.conversation, said: false } }), ["context-unknown"]],
    ["no conversation", measured({ conversation: { ...asked.conversation, said: null } }), ["context-unknown"]],
    [
      "a shorter prompt",
      measured({ conversation: { ...asked.conversation, said: false, promptTokens: [90, 14] } }),
      ["forgets-context"]
    ],
    [
      "a longer prompt",
      measured({ conversation: { ...asked.conversation, said: false, promptTokens: [90, 104] } }),
      []
    ],
    ["a tap without tokens", measured({ upstream: "tap" }), ["upstream-unseen"]],
    ["an engine without tokens", measured({ upstream: "engine" }), ["upstream-unseen"]]
  ]
  for (const [name, measurements, codes] of faults) {
    it(`says of ${name}: ${codes.join(", ") || "nothing"}`, () => assert.sameMembers(codesOf(measurements), [...codes]))
  }

  it("puts the worst first", () => {
    const { findings } = analyseAgent(streamed({
      repeats: 9,
      voices: { ...spread.voices, append: 1, piece: 99 }
    }, { cancel: { ...asked.cancel, stopped: false } }))
    assert.deepStrictEqual(findings.map(({ severity }) => severity), ["blocker", "loss", "note"])
  })

  it("chooses by what shows most, and says what a campaign would choose by the card", () => {
    const modeOf = (measurements: AgentMeasurements) => {
      const { chosen, mode } = analyseAgent(measurements)
      return [mode, chosen]
    }
    const noStream = { card: { ...card, streaming: false }, stream: late.stream }
    assert.deepStrictEqual(modeOf(streamed(late)), ["poll", "stream"])
    assert.deepStrictEqual(modeOf(streamed(late, asked.unpolled)), ["blocking", "stream"])
    assert.deepStrictEqual(modeOf(measured(noStream)), ["poll", "poll"])
    assert.deepStrictEqual(modeOf(measured({ ...noStream, ...asked.waits })), ["blocking", "blocking"])
    assert.deepStrictEqual(
      modeOf(measured({ ...noStream, upstream: "tap", polled: { ...polled, upstream: upstream() } })),
      ["tap", "poll"]
    )
    // Few bursts show too little, enough of them do.
    assert.deepStrictEqual(modeOf(streamed({ arrivals: 4, textFrames: 100 })), ["poll", "stream"])
    assert.deepStrictEqual(modeOf(streamed({ arrivals: 5, textFrames: 100 })), ["stream", "stream"])
    assert.deepStrictEqual(modeOf(measured({ card: { ...card, path: null, fault: "x" }, ...asked.nothing })), [
      null,
      null
    ])
  })

  it("tells what an agent is fit for from what it was asked for", () => {
    const report = analyseAgent(measured({ card: { ...card, streaming: false }, stream: late.stream, ...asked.waits }))
    assert.deepStrictEqual(
      (["any", "stream", "tap", "poll", "blocking"] as const).map((purpose) => isFitFor(report.fit, purpose)),
      [false, false, false, false, true]
    )
    assert.strictEqual(unfitText(report, "any"), "to be watched; its mode is blocking")
    assert.strictEqual(unfitText(report, "poll"), "for poll; its mode is blocking")
    const broken = analyseAgent(streamed({ outcome: "silent" }))
    assert.strictEqual(unfitText(broken, "stream"), "for stream: stops-relaying")
  })
})

describe("whatever was measured", () => {
  const runs = { arbitrary: { runs: 200 } }

  /** Some of the members of anything, the others of an agent that is well, so that it is often fit for something. */
  const Members = Schema.Array(Schema.Boolean)
  const mixed = (all: AgentMeasurements, members: ReadonlyArray<boolean>): AgentMeasurements => {
    let index = 0
    const mix = <A extends object>(one: A, other: A): A =>
      Object.fromEntries(
        Object.entries(one).map(([name, value]) => [
          name,
          members[index++ % Math.max(1, members.length)] === true ? other[name as keyof A] : value
        ])
      ) as A
    const well = measured({})
    const stream = all.stream === null ? spread : mix(spread, all.stream)
    return { ...mix(well, all), ...(members[0] === true ? {} : { stream, card }) }
  }

  it.prop(
    "the analysis says something of it, and finds nothing fit that has a blocker",
    [AgentMeasurements],
    ([all]) => {
      const { findings, fit, mode } = analyseAgent(all)
      const isBlocked = findings.some(({ severity }) => severity === "blocker")
      const some = Object.values(fit).some((each) => each)
      assert.isFalse(isBlocked && some)
      assert.strictEqual(fit.watched, fit.stream || fit.tap || fit.poll)
      if (mode === null) assert.isFalse(some)
      else if (!isBlocked) assert.isTrue(fit[mode])
    },
    runs
  )

  it.prop(
    "evidence takes nothing away without a finding of its own",
    [AgentMeasurements, Members],
    ([any, members]) => {
      const all = mixed(any, members)
      const without = analyseAgent({
        ...all,
        upstream: "none",
        stream: all.stream === null ? null : { ...all.stream, upstream: null },
        uncompressed: all.uncompressed === null ? null : { ...all.uncompressed, upstream: null },
        polled: all.polled === null ? null : { ...all.polled, upstream: null }
      })
      const withIt = analyseAgent(all)
      for (const name of ["stream", "tap", "poll", "blocking", "watched"] as const) {
        if (!without.fit[name] || withIt.fit[name]) continue
        const before = new Set(without.findings.map(({ code }) => code))
        assert.isTrue(withIt.findings.some(({ code, severity }) => severity !== "note" && !before.has(code)), name)
      }
    },
    runs
  )

  it.prop(
    "the report fits the terminal, and comes back from its JSON",
    [AgentMeasurements, Members],
    ([any, members]) => {
      const report = analyseAgent(mixed(any, members))
      for (const columns of [80, 100]) {
        for (const line of renderAgentReport(report, "any", { columns, color: false }).split("\n")) {
          assert.isTrue(displayWidth(line) <= columns || !/\S\s+\S/.test(line.slice(12).trim()), line)
        }
      }
      const text = reportJson(report)
      assert.strictEqual(reportJson(Schema.decodeUnknownSync(Schema.fromJsonString(AgentReport))(text)), text)
    },
    runs
  )
})
