// oxlint-disable unicorn/require-post-message-target-origin -- ports of threads have no origin
/**
 * Agents as they are found in the world, one for each flaw, and some without any: written with @a2a-js/sdk or by hand,
 * each on a loopback port of its own in front of a real engine call. `finds` is what a probe has to say of one, `mode`
 * the way in which a campaign sees most of it, without a tap.
 *
 * Every one can be told to hang in the middle of chosen messages; two do so in every message unless told otherwise,
 * because that is their flaw.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Worker } from "node:worker_threads"
import type { AgentExecutor } from "../../src/a2a/AgentExecutor.ts"
import type { DeliveryMode } from "../../src/a2a/DeliveryMode.ts"
import { isTokenEvent } from "../../src/a2a/TaskEvent.ts"
import { makeExecutor } from "../../src/agents/AnswerExecutor.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { agent } from "./agents.ts"
import type { BlockedAgentData } from "./flawedAgents/blockedAgent.ts"
import { collectingProxy } from "./flawedAgents/collectingProxy.ts"
import {
  type FixtureOptions,
  handMadeAgent,
  type HandMadeOptions,
  type HangRule,
  hangsAfter,
  type StartedAgent
} from "./flawedAgents/handMadeAgent.ts"
import { sdkAgent, type SdkAgentOptions } from "./flawedAgents/sdkAgent.ts"

export interface FlawedAgent {
  readonly name: string
  readonly flaw: string
  /** Runs as long as the scope; its address ends with a slash. */
  readonly start: (options: FixtureOptions) => Effect.Effect<{ readonly url: string }, never, Scope.Scope>
  /** The codes of the findings that a probe with a look at the engine has, all of them; none for an agent that is well. */
  readonly finds: ReadonlyArray<string>
  /** How a campaign sees most of it, with no tap. */
  readonly mode: DeliveryMode
  /** Whether it hangs in every message unless told otherwise. */
  readonly hangs?: true
}

const HANGS: HangRule = { after: 12 }

const scoped = (start: () => Promise<StartedAgent>) =>
  Effect.acquireRelease(Effect.promise(start), ({ close }) => Effect.sync(close))

/** An agent written by hand; what its starter says wins. */
export const byHand = (name: string, options: Partial<HandMadeOptions> = {}): FlawedAgent["start"] => (given) =>
  scoped(() => handMadeAgent({ name, ...options, ...given, hang: given.hang ?? options.hang }))

const withSdk = (name: string, options: Pick<SdkAgentOptions, "voice" | "version">): FlawedAgent["start"] => (given) =>
  scoped(() => sdkAgent({ name, ...options, ...given }))

const behindProxy = (name: string): FlawedAgent["start"] => (given) =>
  scoped(() => handMadeAgent({ name, ...given }).then(collectingProxy))

/** In a thread of its own; see blockedAgent.ts. */
const blocked = (name: string): FlawedAgent["start"] => ({ engineBaseUrl, hang, model }) =>
  scoped(async () => {
    const ended = new SharedArrayBuffer(4)
    const data: BlockedAgentData = { name, engineBaseUrl, model, hang, ended }
    const worker = new Worker(new URL("./flawedAgents/blockedAgent.ts", import.meta.url), { workerData: data })
    const url = await new Promise<string>((resolve, reject) => {
      worker.once("message", resolve)
      worker.once("error", reject)
    })
    return {
      url,
      close: () => {
        Atomics.store(new Int32Array(ended), 0, 1)
        Atomics.notify(new Int32Array(ended), 0)
        worker.postMessage("end")
      }
    }
  })

/** Tells so many tokens of each message that hangs, and then nothing more. */
const hanging = (executor: AgentExecutor, rule: HangRule | undefined): AgentExecutor => {
  let messages = 0
  return (request) => {
    const most = hangsAfter(rule, messages++)
    if (most === undefined) return executor(request)
    let tokens = 0
    return Stream.concat(
      executor(request).pipe(Stream.filter((event) => isTokenEvent(event) && tokens++ < most)),
      Stream.never
    )
  }
}

/** `campaign serve purple`, as far as an agent is concerned. */
const ours: FlawedAgent["start"] = ({ engineBaseUrl, hang, model }) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(
      Layer.fresh(
        WatchedEngine.layer({ limits: defaults }).pipe(
          Layer.provide([
            Engine.layer({ baseUrl: engineBaseUrl, model }),
            EngineEvidence.layerNone,
            LimitLearner.layerNone,
            Ticker.layer()
          ])
        )
      )
    )
    return yield* agent(hanging(makeExecutor(Context.get(services, WatchedEngine)), hang)).pipe(Effect.orDie)
  })

export const flawedAgents: ReadonlyArray<FlawedAgent> = [
  { name: "ours", flaw: "none; with the token extension", start: ours, finds: [], mode: "stream" },
  {
    name: "sdk-append",
    flaw: "none; an artifact that grows",
    start: withSdk("sdk-append", { voice: "append" }),
    finds: [],
    mode: "stream"
  },
  {
    name: "sdk-append-0.3",
    flaw: "none; A2A 0.3",
    start: withSdk("sdk-append-0.3", { voice: "append", version: "0.3" }),
    finds: [],
    mode: "stream"
  },
  {
    name: "status-per-token",
    flaw: "each token is a status update",
    start: withSdk("status-per-token", { voice: "statuses" }),
    finds: ["text-in-status"],
    mode: "stream"
  },
  {
    name: "one-message",
    flaw: "the card streams, and the answer is one message at the end",
    start: withSdk("one-message", { voice: "message" }),
    finds: ["one-message", "nothing-to-cancel"],
    mode: "blocking"
  },
  {
    name: "replaces-artifact",
    flaw: "each update replaces the artifact with the whole so far",
    start: byHand("replaces-artifact", { voice: "replace" }),
    finds: ["replaces-whole"],
    mode: "stream"
  },
  {
    name: "forgets-append",
    flaw: "each update holds one piece, and append is not said",
    start: byHand("forgets-append", { voice: "pieces" }),
    finds: ["pieces-without-append"],
    mode: "stream"
  },
  {
    name: "artifact-per-token",
    flaw: "each token is an artifact of its own",
    start: byHand("artifact-per-token", { voice: "artifacts", version: "0.3" }),
    finds: ["artifact-per-piece"],
    mode: "stream"
  },
  {
    name: "blocking-only",
    flaw: "does not stream, and does not know returnImmediately",
    start: byHand("blocking-only", { streaming: false, upstream: "whole", returnsImmediately: false }),
    finds: ["no-streaming", "ignores-return-immediately", "nothing-to-cancel"],
    mode: "blocking"
  },
  {
    name: "pollable",
    flaw: "does not stream; can be polled",
    start: byHand("pollable", { streaming: false, version: "0.3" }),
    finds: ["no-streaming"],
    mode: "poll"
  },
  {
    name: "buffers-itself",
    flaw: "the card streams, and the agent collects its engine's answer first",
    start: byHand("buffers-itself", { upstream: "whole" }),
    finds: ["buffered-by-agent", "polls-show-nothing"],
    mode: "blocking"
  },
  {
    name: "behind-collecting-proxy",
    flaw: "a proxy in front of it collects the stream",
    start: behindProxy("behind-collecting-proxy"),
    finds: ["buffered-by-proxy"],
    mode: "poll"
  },
  {
    name: "unflushed-gzip",
    flaw: "the stream is compressed and not flushed",
    start: byHand("unflushed-gzip", { delivery: "compressed" }),
    finds: ["buffered-by-compression"],
    mode: "stream"
  },
  {
    name: "holds-frames",
    flaw: "its HTTP layer holds the stream until it ends",
    start: byHand("holds-frames", { delivery: "at the end", version: "0.3" }),
    finds: ["buffered-behind-task"],
    mode: "poll"
  },
  {
    name: "blocks-its-loop",
    flaw: "its event loop stands still while the engine works",
    start: blocked("blocks-its-loop"),
    finds: ["blocking-client"],
    mode: "blocking"
  },
  {
    name: "comments-only",
    flaw: "stops relaying in the middle; comments go on",
    start: byHand("comments-only", { heartbeat: "comments", hang: HANGS }),
    finds: ["stops-relaying"],
    mode: "stream",
    hangs: true
  },
  {
    name: "same-status",
    flaw: "stops relaying in the middle; the same status goes on",
    start: byHand("same-status", { heartbeat: "statuses", hang: HANGS }),
    finds: ["stops-relaying", "repeats-status"],
    mode: "stream",
    hangs: true
  },
  {
    name: "refuses-cancel",
    flaw: "CancelTask is not supported",
    start: byHand("refuses-cancel", { cancel: "unsupported" }),
    finds: ["cancel-refused"],
    mode: "stream"
  },
  {
    name: "pretends-cancel",
    flaw: "answers canceled, and its engine goes on",
    start: byHand("pretends-cancel", { cancel: "pretended" }),
    finds: ["cancel-ignored"],
    mode: "stream"
  },
  {
    name: "no-subscription",
    flaw: "a broken stream cannot be taken up again",
    start: byHand("no-subscription", { subscribes: false }),
    finds: ["no-resubscription"],
    mode: "stream"
  },
  {
    name: "forgets-context",
    flaw: "the second message of a context is answered without the first",
    start: byHand("forgets-context", { remembers: false }),
    finds: ["forgets-context"],
    mode: "stream"
  },
  {
    name: "hangs",
    flaw: "says nothing more after some tokens",
    start: byHand("hangs", { hang: HANGS }),
    finds: ["stops-relaying"],
    mode: "stream",
    hangs: true
  }
]
