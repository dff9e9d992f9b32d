/**
 * Works in flight, the one that ends first in front: a binary heap whose members know their place in it.
 *
 * Laws: `first` has the smallest `due`, among equals the smallest `order`; a member is in the queue at most once;
 * `remove` of a member that is not there does nothing. `push`, `removeFirst` and `remove` cost O(log n), which matters
 * because each token of each request passes through here.
 *
 * Gotcha: the queue writes `place` of its members, and `due` must not change while a member is in it, except by `shift`.
 */

/** What can stand in the queue. */
export interface Due {
  /** Monotonic milliseconds. */
  due: number
  readonly order: number
  /** Owned by the queue; -1 outside of it. */
  place: number
}

export interface DueQueue<A extends Due> {
  readonly first: () => A | undefined
  readonly push: (member: A) => void
  readonly remove: (member: A) => void
  /** Lets all members end later by so many milliseconds; their order stays. */
  readonly shift: (millis: number) => void
}

/** An empty queue. */
export const make = <A extends Due>(): DueQueue<A> => {
  const heap: Array<A> = []
  const before = (left: A, right: A) => left.due < right.due || (left.due === right.due && left.order < right.order)
  const put = (member: A, place: number) => {
    heap[place] = member
    member.place = place
  }
  const rise = (member: A, from: number) => {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!before(member, heap[parent]!)) break
      put(heap[parent]!, place)
      place = parent
    }
    put(member, place)
  }
  const sink = (member: A, from: number) => {
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, member)) break
      put(heap[child]!, place)
      place = child
    }
    put(member, place)
  }
  return {
    first: () => heap[0],
    shift: (millis) => {
      for (const member of heap) member.due += millis
    },
    push: (member) => rise(member, heap.length),
    remove: (member) => {
      const place = member.place
      if (place === -1) return
      member.place = -1
      const last = heap.pop()!
      if (last === member) return
      if (place > 0 && before(last, heap[(place - 1) >> 1]!)) rise(last, place)
      else sink(last, place)
    }
  }
}
