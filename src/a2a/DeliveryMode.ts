/**
 * How an agent's work is followed, from the most that can be known of it to the least.
 *
 * - `stream`: its events come as they happen. With the token extension every token is told; without it text that is new
 *   is what there is to count, in pieces of the agent's choosing.
 * - `tap`: what it says comes in whatever way it can, and its tokens are seen on the way from its engine, by our
 *   pass-through.
 * - `poll`: it is asked how its task stands, again and again.
 * - `blocking`: it says nothing until it has ended.
 *
 * A mode is chosen by what the agent can do, or forced by its user; it is recorded with every attempt and never changes
 * without a word (`Followed` in TaskEvent.ts).
 */
import * as Schema from "effect/Schema"

/** How an agent's work is followed: see the head of DeliveryMode.ts for what each can see. */
export const DeliveryMode = Schema.Literals(["stream", "tap", "poll", "blocking"])
export type DeliveryMode = typeof DeliveryMode.Type
