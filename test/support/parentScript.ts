/** A campaign in small: starts the command line of its first argument, tells the group's id, and waits for its death. */
import * as Effect from "effect/Effect"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ShellProcess from "../../src/agents/ShellProcess.ts"

const command = {
  line: process.argv[2]!,
  workingDirectory: tmpdir(),
  environment: {},
  logFile: join(process.argv[3]!, "agent.log"),
  grace: "500 millis"
} as const

Effect.runFork(Effect.scoped(Effect.gen(function*() {
  const running = yield* ShellProcess.spawn(command)
  console.log(`group ${running.pid}`)
  return yield* Effect.never
})))
