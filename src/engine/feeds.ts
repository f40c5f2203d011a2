/** The checks that every engine makes of what it is fed, and the numbers of what this process holds. */
import { MeedError } from '../foundation/index.js';
import { type Precision, type Shape, sizeOf } from '../graph/index.js';
import type { Feed, Numbers } from './engine.js';

/** @throws MeedError when the feed is missing or has another shape than the graph's input */
export function checkedFeed<P extends Precision>(name: string, shape: Shape, feed: Feed<P> | undefined): Feed<P> {
  if (!feed || feed.shape.length !== shape.length || feed.shape.some((extent, i) => extent !== shape[i])) {
    throw new MeedError(
      `The graph's input "${name}" has the shape [${shape}], it was given ${feed ? `[${feed.shape}]` : 'nothing'}`,
      'Feed every input with its own shape',
    );
  }
  return feed;
}

/** @throws MeedError when the tensor is on another device, or its numbers do not fill its shape */
export function fedNumbers<P extends Precision>(name: string, feed: Feed<P>): Numbers<P> {
  if (!('data' in feed)) {
    throw new MeedError(
      `The input "${name}" was given a tensor that is on ${feed.device}`,
      'Read it back first, or feed it to a program of its own engine',
    );
  }
  if (feed.data.length !== sizeOf(feed.shape)) {
    throw new MeedError(
      `The input "${name}" of shape [${feed.shape}] was given ${feed.data.length} numbers`,
      `Give it ${sizeOf(feed.shape)}`,
    );
  }
  return feed.data;
}
