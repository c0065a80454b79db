import { Session } from 'node:inspector/promises';

/**
 * What all measured servers have in common: a free port of 127.0.0.1, and answers to the driver over IPC. A server does
 * nothing on the side while it is measured; its CPU time is read before and after.
 */
export function serve(server) {
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}

const inspector = new Session();

const ANSWERS = {
  /** Microseconds of CPU time since the start: all threads, user and system. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return { cpu: user + system };
  },
  async 'start profile'() {
    inspector.connect();
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
    await inspector.post('Profiler.start');
    return {};
  },
  async 'stop profile'() {
    const { profile } = await inspector.post('Profiler.stop');
    inspector.disconnect();
    return { profile };
  },
};

process.on('message', async (question) => process.send(await ANSWERS[question]()));
// The driver has gone: nobody else ends this process.
process.on('disconnect', () => process.exit());
