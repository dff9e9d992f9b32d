/**
 * Between who decides which battle is next and who plays it: battles are offered to a lane and taken from it.
 *
 * The truth is in the campaign's store; what stands here may be lost and is offered again. A queue that is shared by
 * several processes can take the place of the one in this process, and need not be more than this: at least once, in the
 * order in which battles were offered. The number that the store gives each attempt makes a battle that was taken twice
 * harmless.
 *
 * Laws: who came first is given first; a battle that is in the queue, or taken and not done, is not offered twice; whoever
 * is interrupted in the middle of a battle, or fails, gives it back.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type Battle, keyOf } from "./Battle.ts"
import type { StoreError } from "./StoreError.ts"

/** A battle, and the lane that it is to be played in. */
export interface Ticket {
  /** The lane's name. */
  readonly lane: string
  /** Which battle. */
  readonly battle: Battle
}

/** Between who decides what is next and who plays it. `BattleQueue.layerMemory` is one for a single process. */
export class BattleQueue extends Context.Service<BattleQueue, {
  /** Puts a battle at the end of its lane; one that is there already, or being played, is not offered twice. */
  readonly offer: (ticket: Ticket) => Effect.Effect<void, StoreError>
  /** Waits for the next battle of the lane and plays it. When `play` has succeeded, the battle is done. */
  readonly take: <A, E, R>(
    lane: string,
    play: (battle: Battle) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | StoreError, R>
  /** Takes out everything of a lane that nobody has taken, in its order. */
  readonly withdraw: (lane: string) => Effect.Effect<ReadonlyArray<Battle>, StoreError>
}>()("a2a-campaign/BattleQueue") {
  /** For one process; empty when it begins. */
  static readonly layerMemory: Layer.Layer<BattleQueue> = Layer.sync(BattleQueue, () => {
    const lanes = new Map<string, LaneQueue>()
    const held = new Set<string>()
    const laneOf = (name: string): LaneQueue => {
      const known = lanes.get(name)
      if (known !== undefined) return known
      const lane: LaneQueue = { battles: [], takers: [] }
      lanes.set(name, lane)
      return lane
    }

    const give = (lane: LaneQueue) => {
      while (lane.battles.length > 0 && lane.takers.length > 0) {
        Deferred.doneUnsafe(lane.takers.shift()!, Exit.succeed(lane.battles.shift()!))
      }
    }

    const next = (lane: LaneQueue): Effect.Effect<Battle> =>
      Effect.suspend(() => {
        const taker = Deferred.makeUnsafe<Battle>()
        lane.takers.push(taker)
        give(lane)
        return Effect.onInterrupt(Deferred.await(taker), () =>
          Effect.suspend(() => {
            const index = lane.takers.indexOf(taker)
            if (index >= 0) lane.takers.splice(index, 1)
            // It was given in the moment of the interruption.
            else return Effect.map(Deferred.await(taker), (battle) => giveBack(lane, battle))
            return Effect.void
          }))
      })

    const giveBack = (lane: LaneQueue, battle: Battle) => {
      lane.battles.unshift(battle)
      give(lane)
    }

    return BattleQueue.of({
      offer: ({ battle, lane }) =>
        Effect.sync(() => {
          if (held.has(keyOf(battle))) return
          held.add(keyOf(battle))
          const queue = laneOf(lane)
          queue.battles.push(battle)
          give(queue)
        }),
      take: (name, play) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.suspend(() => {
            const lane = laneOf(name)
            return Effect.flatMap(restore(next(lane)), (battle) =>
              Effect.onExit(restore(play(battle)), (exit) =>
                Effect.sync(() => {
                  if (Exit.isSuccess(exit)) held.delete(keyOf(battle))
                  else giveBack(lane, battle)
                })))
          })
        ),
      withdraw: (name) =>
        Effect.sync(() => {
          const { battles } = laneOf(name)
          const all = battles.splice(0)
          for (const battle of all) held.delete(keyOf(battle))
          return all
        })
    })
  })
}

interface LaneQueue {
  readonly battles: Array<Battle>
  readonly takers: Array<Deferred.Deferred<Battle>>
}
