/**
 * Where an agent's battles are played: the green agent that is asked, the participants it is told of, and the engine
 * behind them.
 */
import type { Following } from "../agents/FollowedTask.ts"

export interface Seat {
  readonly greenUrl: string
  /** Roles and addresses. Ours asks for one, whatever its role is called. */
  readonly participants: Readonly<Record<string, string>>
  /** What the gate knows the engine by: its address, or the agent's where nobody knows its engine. */
  readonly endpoint: string
  /** How the green agent is followed, whose stream is all that is seen of an agent that somebody else assesses. */
  readonly following: Following
  /** Behind what answers are run; `null` where somebody else grades. */
  readonly sandbox: string | null
}

/** The seats of a campaign's agents, by their names. */
export type Seats = ReadonlyMap<string, Seat>
