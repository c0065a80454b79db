/** Express 4 and 5 under aliases, side by side: their API is the same, as far as the tests go. */
declare module 'express4' {
  import express from 'express';
  export default express;
}
declare module 'express5' {
  import express from 'express';
  export default express;
}
