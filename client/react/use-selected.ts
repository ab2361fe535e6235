import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";

/** Something with a state that components follow. */
export interface Store<S> {
  readonly subscribe: (listener: () => void) => () => void;
  /** Returns the same object until the state changes. */
  readonly getState: () => S;
}

/** Says which part of a state a component shows. */
export interface Selection<S, T> {
  /**
   * Returns the part of the state that the component shows: it renders again only where another one is returned.
   *
   * @default the whole state
   */
  readonly selector?: (state: S) => T;
  /** Compares what the selector returned before and now. @default Object.is */
  readonly isEqual?: (before: T, now: T) => boolean;
}

const everything = (state: unknown): never => state as never;

/**
 * Follows a store, and renders the component again where what it selects changed.
 *
 * @param empty returns the state that a server renders; the same function and the same state each time
 */
export function useSelected<S, T>(store: Store<S>, empty: () => S, selection: Selection<S, T>): T {
  const { selector = everything, isEqual = Object.is } = selection;
  const shown = useRef<{ readonly value: T } | undefined>(undefined);
  const [getSelected, getEmpty] = useMemo(() => {
    const select = (getState: () => S): (() => T) => {
      let last: { readonly state: S; readonly value: T } | undefined;
      return () => {
        const state = getState();
        if (last?.state === state) return last.value;
        const value = selector(state);
        // A selector that is written into the call is another one in each render: what is shown stays all the same.
        const before = last ?? shown.current;
        last = { state, value: before && isEqual(before.value, value) ? before.value : value };
        return last.value;
      };
    };
    return [select(store.getState), select(empty)];
  }, [store, empty, selector, isEqual]);
  const value = useSyncExternalStore(store.subscribe, getSelected, getEmpty);
  useEffect(() => {
    shown.current = { value };
  }, [value]);
  return value;
}
