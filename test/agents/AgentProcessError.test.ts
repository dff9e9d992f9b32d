// What a user reads of an agent that is not there: one line, what to do, and where the rest is.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  AddressInUse,
  AgentProcessError,
  describeEnd,
  ExitedEarly,
  GaveUp,
  NotReady,
  NotStarted
} from "../../src/agents/AgentProcessError.ts"

const errorOf = (reason: AgentProcessError["reason"], name = "alice") =>
  new AgentProcessError({ name, logFile: "/logs/alice.log", reason })
const url = "http://127.0.0.1:9019"

describe("AgentProcessError", () => {
  it("says what happened and what to do", () => {
    const lastLines = ["first", "second", "third", "fourth\u001b[0m"]
    const messages: ReadonlyArray<readonly [AgentProcessError["reason"], string]> = [
      [
        NotStarted.make({ detail: "no shell" }),
        "could not be started: no shell; correct its command, its working directory or its environment"
      ],
      [
        ExitedEarly.make({ exitCode: 137, signal: null, lastLines }),
        "ended with exit code 137 (signal 9) before its card answered, saying at last: second | third | fourth [0m; " +
        "correct its command, which must stay in the foreground"
      ],
      [
        NotReady.make({ url, afterMillis: 30_000, detail: "refused", lastLines: [" "] }),
        `has no card at ${url} after 30 s (refused), without a word; ` +
        "check that its command listens at that address, or wait longer"
      ],
      [
        AddressInUse.make({ url }),
        `was not started, because something else answers at ${url} already and would be tested in its place; ` +
        "stop that, or give the agent another address"
      ],
      [
        GaveUp.make({ deaths: 10, lastDeath: "was ended by SIGKILL", lastLines }),
        "has died 10 times in a row; at last it was ended by SIGKILL, saying at last: second | third | fourth [0m; " +
        "find out why it dies, then resume the campaign"
      ]
    ]
    for (const [reason, text] of messages) {
      assert.strictEqual(errorOf(reason).message, `agent "alice" ${text} (its output: /logs/alice.log)`)
    }
  })

  it("tells a signal from an exit code", () => {
    assert.strictEqual(describeEnd({ exitCode: null, signal: "SIGSEGV" }), "was ended by SIGSEGV")
    assert.strictEqual(describeEnd({ exitCode: 128, signal: null }), "ended with exit code 128")
    assert.strictEqual(describeEnd({ exitCode: 143, signal: null }), "ended with exit code 143 (signal 15)")
  })

  it.prop("is one line, and survives its schema, whatever the agent says", [
    Schema.String,
    Schema.Array(Schema.String)
  ], ([text, lastLines]) => {
    const said = `a\n${text}\r\n`
    for (
      const reason of [
        NotStarted.make({ detail: said }),
        NotReady.make({ url, afterMillis: 1, detail: said, lastLines: [...lastLines, said] }),
        GaveUp.make({ deaths: 1, lastDeath: said, lastLines: [said] })
      ]
    ) {
      const error = errorOf(reason, said)
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(error.message, /[\u0000-\u001f\u007f]/)
      const again = Schema.decodeUnknownSync(AgentProcessError)(Schema.encodeSync(AgentProcessError)(error))
      assert.strictEqual(again.message, error.message)
    }
  }, { arbitrary: { runs: 1000 } })
})
