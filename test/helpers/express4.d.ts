/** Express 4 under an alias: its API is Express 5's, as far as the tests go. */
declare module 'express4' {
  import express from 'express';
  export default express;
}
