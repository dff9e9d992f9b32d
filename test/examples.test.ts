/** Every example runs as its first lines say, and prints what it promises. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { root } from "./support/command.ts"

const expected: Record<string, RegExp> = {
  "campaignFromCode.ts":
    /^france #1: 1 \(5 tokens\)\nstopping, because it is paused by its program\nPaused: 1 of 4 scored, mean 1\nitaly #1: 0 \(5 tokens\)\nfrance #2: 1 \(5 tokens\)\nitaly #2: 0 \(5 tokens\)\nEnded: 4 of 4 scored, mean 0\.5\n$/,
  "guardedStream.ts": /token: alive\nno token for 90 seconds\n$/,
  "chatProxy.ts":
    /^before the first byte: engine: connection lost: .*\nthe client has a whole answer of \d+ characters\nthe client has \d+ characters, and then: no token from the engine .* counters stand still\n$/,
  "engineTokens.ts": /function runLengthEncode[\s\S]*\d+ tokens by usage, finish reason stop\n$/,
  "openaiGuard.ts":
    /^(slow: .*\n)+a whole answer of \d+ characters\n(slow: .*\n)*StalledError engine-hung, proved after \d+ tokens: its counters stand still\nit may be asked again\n$/,
  "ownLimits.ts":
    /^the defaults: 1 law does not hold[\s\S]*found after[\s\S]*30 s for a hung engine: 2 laws [\s\S]*given up[\s\S]*60 s for a hung engine: all hold\n\n$/,
  "ownAgent.ts":
    /^TASK_STATE_INPUT_REQUIRED: how far, ada\?\ngrace: NOT_FOUND\nTASK_STATE_COMPLETED: 1 2 3 4 5 \nnobody: UNAUTHENTICATED\n$/,
  "ownGrader.ts":
    /pond against poet \(1 of 2\): three lines about frog\n[\s\S]*not about whale\n\{"scored":2,"unscored":0,"meanScore":0.75\}\n$/,
  "toolAgent.ts":
    /tool-call\nagent-work\nit says: looks up the weather\ndecoding\nfinishing\nit answers: Yes: it rains, at 4 degrees\. \(stop\)\n[\s\S]*: the weather of Mars is not known\n$/,
  "watchedEngine.ts":
    /first: Completed\n[\s\S]*second: Stalled\nengine-hung, proved: no token .* counters stand still\n$/
}

describe("examples", () => {
  for (const name of readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"))) {
    it(`runs ${name}`, () => {
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        ["--conditions=a2a-campaign-source", join("examples", name)],
        { cwd: root, encoding: "utf8" }
      )
      assert.strictEqual(status, 0, stderr)
      assert.match(stdout, expected[name]!, stderr)
    })
  }
})
