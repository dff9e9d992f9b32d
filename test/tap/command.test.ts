/** `campaign tap` as a person starts it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, start } from "../support/command.ts"

describe("campaign tap", () => {
  it.live("says what to set, tells what happens, and ends when it is told to", () =>
    Effect.gen(function*() {
      const tap = yield* start(["tap", "--engine", "http://127.0.0.1:1/v1", "--port", "0", "--json"], {
        environment: { CAMPAIGN_STALL_LIMIT: "90s" }
      })
      const [, url] = yield* tap.line(/every agent: +OPENAI_BASE_URL=(\S+)\/v1$/m)
      const response = yield* Effect.promise(() =>
        fetch(`${url}/v1/models?key=secret`, { headers: { "api-key": "secret" } })
      )
      assert.strictEqual(response.status, 502)
      yield* tap.line(/Passed/)
      assert.deepStrictEqual(JSON.parse(tap.stdout()), {
        _tag: "Passed",
        method: "GET",
        path: "/v1/models",
        status: 502
      })
      tap.child.kill("SIGINT")
      assert.strictEqual(yield* tap.exit, 130)
      assert.notMatch(`${tap.stdout()}${tap.stderr()}`, /secret|Error:/)
    }).pipe(Effect.scoped))

  it.live("says in one line what it needs", () =>
    Effect.gen(function*() {
      const [missing, credentials, query] = yield* Effect.all([
        run(["tap"]),
        run(["tap", "--engine", "http://me:key@engine/v1"]),
        run(["tap", "--engine", "http://engine/v1?key=secret"])
      ], { concurrency: 2 })
      assert.deepStrictEqual([missing.code, credentials.code, query.code], [2, 2, 2])
      assert.match(query.stderr, /^campaign: --engine must have no query and no fragment, .*\n$/)
      assert.notInclude(query.stderr, "secret")
      assert.match(missing.stderr, /^campaign: .*--engine URL: .*\n$/)
      assert.match(credentials.stderr, /^campaign: --engine must not hold a user name or a key; .*\n$/)
    }))
})
