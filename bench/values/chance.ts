/** Returns a source of numbers from 0 to `count` - 1 that look like chance and are the same in every run. */
export function createPick(): (count: number) => number {
  let chance = 1;
  return (count) => {
    // Numerical Recipes' linear congruential generator; its upper bits are the better ones.
    chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((chance / 2 ** 32) * count);
  };
}
