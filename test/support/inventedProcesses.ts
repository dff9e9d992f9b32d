/** Processes and their cards as a test invents them: what was started, and what answers at their address meanwhile. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { type ProcessEnd, ProcessSpawner, type ShellCommand } from "../../src/agents/ProcessSpawner.ts"
import { ProcessNotStarted } from "../../src/agents/ShellProcess.ts"
import { Failed, FailReason } from "../../src/liveness/Failed.ts"

interface Invented {
  readonly command: ShellCommand
  readonly end: Deferred.Deferred<ProcessEnd>
  /** Its scope is still open. */
  held: boolean
}

export class Invention {
  readonly processes: Array<Invented> = []
  /** What a question for the card gives; undefined for silence. */
  answer: "card" | FailReason | undefined = refused
  /** Why nothing can be started. */
  broken: string | undefined
  questions = 0

  /** Ends the process that was started last, and what it has answered. */
  readonly die = (exitCode: number) =>
    Effect.suspend(() => {
      this.answer = refused
      return Deferred.succeed(this.processes.at(-1)!.end, { exitCode, signal: null })
    })

  readonly layer = (environment: Readonly<Record<string, string>> = {}) =>
    Layer.mergeAll(
      ProcessSpawner.layerTest(this.#spawn, environment),
      Layer.succeed(A2aClient, { send: () => Stream.empty, check: () => this.#check })
    )

  readonly #spawn = (command: ShellCommand) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (this.broken !== undefined) return Effect.fail(new ProcessNotStarted({ detail: this.broken }))
        const invented: Invented = { command, end: Deferred.makeUnsafe(), held: true }
        this.processes.push(invented)
        return Effect.succeed(invented)
      }),
      (invented) =>
        Effect.sync(() => {
          invented.held = false
        })
    ).pipe(Effect.map(({ end }) => ({
      pid: this.processes.length,
      exit: Deferred.await(end),
      lastLines: Effect.succeed([`line ${this.processes.length}`])
    })))

  readonly #check = Effect.suspend((): Effect.Effect<{ name: string; streams: boolean; exact: boolean }, Failed> => {
    this.questions++
    if (this.answer === undefined) return Effect.never
    if (this.answer === "card") return Effect.succeed({ name: "agent", streams: true, exact: true })
    return Effect.fail(new Failed({ hop: "purple", tokens: 0, reason: this.answer }))
  })
}

const { ConnectError, Unsupported } = FailReason.cases

export const refused = ConnectError.make({ url: "http://agent", detail: "connection refused" })

/** Something answers that is no agent. */
export const noAgent = Unsupported.make({ detail: "no usable agent card" })
