export interface Product {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly cents: number;
}

/** What the session keeps: no names and no prices, which may change while it lives. */
export interface CartLine {
  productId: string;
  quantity: number;
}

export const MAX_QUANTITY = 99;

export const PRODUCTS: readonly Product[] = [
  { id: 'bread', name: 'Rye bread', about: 'Keeps for a week, and so do you.', cents: 480 },
  { id: 'salt', name: 'Salt & pepper', about: 'In a tin that closes.', cents: 350 },
  { id: 'socks', name: 'Wool socks', about: 'Two pairs: one on, one drying.', cents: 1900 },
  { id: 'lantern', name: 'Brass lantern', about: 'For arriving after dark.', cents: 4250 },
];

export function findProduct(id: string): Product | undefined {
  return PRODUCTS.find((product) => product.id === id);
}

// These change the cart they are given, in place. It is the session's own, and the session sees it.

export function addToCart(cart: CartLine[], productId: string): void {
  const line = cart.find((candidate) => candidate.productId === productId);
  if (line === undefined) cart.push({ productId, quantity: 1 });
  else line.quantity = Math.min(line.quantity + 1, MAX_QUANTITY);
}

/** Nothing happens if the product isn't in the cart: another tab may have removed it. */
export function setQuantity(cart: CartLine[], productId: string, quantity: number): void {
  const index = cart.findIndex((candidate) => candidate.productId === productId);
  const line = cart[index];
  if (line === undefined) return;
  if (quantity === 0) cart.splice(index, 1);
  else line.quantity = quantity;
}
