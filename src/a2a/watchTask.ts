/**
 * The watch of an A2A hop: an agent's task as the hop outside of it sees it.
 *
 * What is known of the engine comes in the heartbeats of the agent, so there is no evidence here besides; an agent that
 * sends none is judged by its silence alone. What the watch fails with is decided here only if no hop further in has
 * decided: an error that came from there is handed on unchanged.
 */
import * as Stream from "effect/Stream"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import { heartbeatOf } from "../liveness/Heartbeat.ts"
import * as LivenessWatch from "../liveness/LivenessWatch.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import { inputsOf } from "./LivenessInputs.ts"
import { Heartbeat, type TaskEvent } from "./TaskEvent.ts"

/** The options of `Liveness.watch`, without what follows from watching a task. */
export type WatchTaskOptions = Omit<LivenessWatch.WatchOptions<TaskEvent>, "inputsOf" | "heartbeat">

/** Watches the task. Heartbeats of the agent end here; those that come out are this hop's own. */
export const watchTask =
  (options: WatchTaskOptions) =>
  <E, R>(task: Stream.Stream<TaskEvent, E, R>): Stream.Stream<TaskEvent, E | RunError, R | Ticker> =>
    Stream.suspend(() => {
      const own = new WeakSet<TaskEvent>()
      return task.pipe(
        LivenessWatch.watch({
          ...options,
          inputsOf,
          heartbeat: (state) => {
            const beat = Heartbeat.make(heartbeatOf(state))
            own.add(beat)
            return beat
          }
        }),
        Stream.filter((event) => event._tag !== "Heartbeat" || own.has(event)),
        Stream.provideService(EngineEvidence, EngineEvidence.none)
      )
    })
