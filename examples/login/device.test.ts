import { deviceOf, UNKNOWN_DEVICE } from './device.js';

const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit';
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';
const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)';
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const IPAD = 'Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';

test.each([
  ['Chrome on Linux', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'],
  ['Chrome on Windows', WINDOWS],
  ['Edge on Windows', `${WINDOWS} Edg/141.0.0.0`],
  ['Opera on Windows', `${WINDOWS} OPR/122.0.0.0`],
  ['Firefox on Windows', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0'],
  ['Chrome on Mac', `${MAC}/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36`],
  ['Firefox on Mac', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0'],
  ['Safari on Mac or iPad', `${MAC}/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15`],
  ['Safari on iPhone', `${IPHONE} Version/18.6 Mobile/15E148 Safari/604.1`],
  ['Chrome on iPhone', `${IPHONE} CriOS/141.0.0.0 Mobile/15E148 Safari/604.1`],
  ['Firefox on iPad', `${IPAD} FxiOS/143.0 Mobile/15E148 Safari/605.1.15`],
  ['Chrome on Android', `${ANDROID} Chrome/141.0.0.0 Mobile Safari/537.36`],
  ['Samsung Internet on Android', `${ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`],
  ['Chrome on ChromeOS', 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'],
  ['An unknown browser on Linux', 'Mozilla/5.0 (X11; Linux x86_64) Ladybird'],
  ['Firefox on an unknown system', 'Mozilla/5.0 (SomeOS; rv:143.0) Gecko/20100101 Firefox/143.0'],
  [UNKNOWN_DEVICE, 'curl/8.14.1'],
  [UNKNOWN_DEVICE, ''],
  [UNKNOWN_DEVICE, undefined],
])('%s', (name, userAgent) => {
  expect(deviceOf(userAgent)).toBe(name);
});

test('what a browser says of itself is never repeated, however long it is', () => {
  expect(deviceOf(`<b>Linux</b> ${'Macintosh '.repeat(1600)}`).length).toBeLessThan(50);
  expect(deviceOf('<script>alert(1)</script>')).toBe(UNKNOWN_DEVICE);
});
