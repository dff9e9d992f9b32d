/**
 * What programs rely on without running anything: which errors an operator adds, which services it asks for, which types
 * come out of it, and that misuse does not compile. The type check is the test; at run time nothing happens here.
 */
import { A2aClient } from "a2a-campaign/A2aClient"
import { CampaignStore } from "a2a-campaign/CampaignStore"
import { Engine } from "a2a-campaign/Engine"
import * as EngineCanary from "a2a-campaign/EngineCanary"
import { Canary, EngineGate } from "a2a-campaign/EngineGate"
import { Grader } from "a2a-campaign/Grader"
import * as Liveness from "a2a-campaign/Liveness"
import * as ScrapedEvidence from "a2a-campaign/ScrapedEvidence"
import { Simulator, type SimulatorError } from "a2a-campaign/Simulator"
import type { TaskEvent } from "a2a-campaign/TaskEvent"
import { Delta, TokenEvent, tokensOf } from "a2a-campaign/TokenEvent"
import * as Transcript from "a2a-campaign/Transcript"
import { WatchedEngine } from "a2a-campaign/WatchedEngine"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"

class Refused {
  readonly _tag = "Refused"
}
class Silent {
  readonly _tag = "Silent"
}
declare const numbers: Stream.Stream<number, Refused, Scope.Scope>

const unchecked = (): boolean => false

describe("types of the public surface", () => {
  it("a guard adds its error and nothing else, in both orders of arguments", () => {
    if (!unchecked()) return
    const first = Liveness.timeoutFail(numbers, () => new Silent(), "90 seconds")
    const last = numbers.pipe(Liveness.timeoutFail(() => new Silent(), "90 seconds"))
    expectTypeOf(first).toEqualTypeOf<Stream.Stream<number, Refused | Silent, Scope.Scope>>()
    expectTypeOf(last).toEqualTypeOf<Stream.Stream<number, Refused | Silent, Scope.Scope>>()
    const counted = numbers.pipe(
      Liveness.failIfSilent({
        limit: "1 minute",
        isProgress: (element: number) => element > 0,
        onSilence: (silentMillis) => {
          expectTypeOf(silentMillis).toBeNumber()
          return new Silent()
        }
      })
    )
    expectTypeOf(counted).toEqualTypeOf<Stream.Stream<number, Refused | Silent, Scope.Scope>>()
    // @ts-expect-error: an error has to be made, not given
    void Liveness.timeoutFail(numbers, new Silent(), "90 seconds")
    // @ts-expect-error: a time has a unit that is known
    void Liveness.timeoutFail(numbers, () => new Silent(), "90 fortnights")
  })

  it("a watch adds the three errors and the services that it lives on", () => {
    if (!unchecked()) return
    const watched = numbers.pipe(
      Liveness.watch({
        run: { hop: "engine", attempt: 1, endpoint: "", model: "" },
        inputsOf: (elements: ReadonlyArray<number>, at) => elements.map(() => ({ _tag: "TransportOnly", at }))
      })
    )
    expectTypeOf(watched).toEqualTypeOf<
      Stream.Stream<number, Refused | Liveness.RunError, Scope.Scope | Liveness.EngineEvidence | Liveness.Ticker>
    >()
    expectTypeOf<Liveness.RunError["_tag"]>().toEqualTypeOf<"Stalled" | "Slow" | "Failed">()
    expectTypeOf<Liveness.Verdict["_tag"]>().toEqualTypeOf<
      "Alive" | "Slow" | "Stalled" | "Failed" | "Completed" | "Cancelled"
    >()
    // @ts-expect-error: there is no such hop
    Liveness.watch({ run: { hop: "proxy", attempt: 1, endpoint: "", model: "" }, inputsOf: () => [] })
  })

  it("engines fail with what they say, watched ones with what was found, too", () => {
    if (!unchecked()) return
    type Stream_<A, E> = Stream.Stream<A, E>
    expectTypeOf<ReturnType<Engine["Service"]["stream"]>>().toEqualTypeOf<Stream_<TokenEvent, Liveness.Failed>>()
    const watched = (engine: WatchedEngine["Service"]) => engine.stream({ messages: [], requestId: "" })
    expectTypeOf<ReturnType<typeof watched>>().toEqualTypeOf<Stream_<TokenEvent, Liveness.RunError>>()
    const beating = (engine: WatchedEngine["Service"]) =>
      engine.stream({ messages: [], requestId: "", heartbeat: () => "still there" as const })
    expectTypeOf<ReturnType<typeof beating>>()
      .toEqualTypeOf<Stream_<TokenEvent | "still there", Liveness.RunError>>()
    expectTypeOf<ReturnType<A2aClient["Service"]["send"]>>().toEqualTypeOf<Stream_<TaskEvent, Liveness.RunError>>()
  })

  it("layers say what they need, and cannot fail where nothing can go wrong", () => {
    if (!unchecked()) return
    expectTypeOf(Engine.layer).returns.toEqualTypeOf<Layer.Layer<Engine>>()
    expectTypeOf(WatchedEngine.layer).returns.toEqualTypeOf<
      Layer.Layer<WatchedEngine, never, Engine | Liveness.EngineEvidence | Liveness.LimitLearner | Liveness.Ticker>
    >()
    expectTypeOf(ScrapedEvidence.layer).returns.toEqualTypeOf<Layer.Layer<Liveness.EngineEvidence>>()
    expectTypeOf(EngineCanary.layer).returns.toEqualTypeOf<Layer.Layer<Canary, never, Liveness.EngineEvidence>>()
    expectTypeOf(EngineGate.layer).returns.toEqualTypeOf<Layer.Layer<EngineGate, never, Canary>>()
    expectTypeOf(EngineGate.layerNone).toEqualTypeOf<Layer.Layer<EngineGate>>()
    expectTypeOf(A2aClient.layer).toEqualTypeOf<Layer.Layer<A2aClient>>()
    expectTypeOf(Grader.layer).toEqualTypeOf<Layer.Layer<Grader>>()
    expectTypeOf(Simulator.layer).returns.toEqualTypeOf<Layer.Layer<Simulator, SimulatorError>>()
    expectTypeOf<Layer.Services<ReturnType<typeof CampaignStore.layer>>>().toBeNever()
  })

  it("token events are told apart by their tag, and every case is known", () => {
    if (!unchecked()) return
    const text = (event: TokenEvent): string =>
      TokenEvent.match(event, {
        Delta: ({ text }) => text,
        ToolCallDelta: ({ arguments: piece }) => piece,
        Signal: () => "",
        Usage: () => "",
        Finish: ({ reason }) => reason
      })
    expectTypeOf(text).returns.toBeString()
    // @ts-expect-error: a case is missing
    TokenEvent.match(Delta.make({ channel: "content", text: "", tokens: 0 }), { Delta: () => "" })
    // @ts-expect-error: there is no such channel
    Delta.make({ channel: "thought", text: "", tokens: 0 })
    expectTypeOf(tokensOf).parameter(0).toEqualTypeOf<TokenEvent>()
    expectTypeOf(Transcript.step).toEqualTypeOf<
      (transcript: Transcript.Transcript, event: TokenEvent) => Transcript.Transcript
    >()
  })
})
