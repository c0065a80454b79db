/** Koa has no router: a handler for `<method> <path>`. */
export function routes(table) {
  return async (ctx) => {
    ctx.body = await table[`${ctx.method} ${ctx.path}`](ctx);
  };
}
