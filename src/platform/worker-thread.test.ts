import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askWorkerThread } from './worker-thread.ts'

/** A module that answers as the body says; `data` is what it was asked with. */
function answering(body: string): URL {
  const side = new URL('worker-thread.ts', import.meta.url).href
  const errors = new URL('../domain/recovery-error.ts', import.meta.url).href
  const source = `
    import { answerOnce } from ${JSON.stringify(side)}
    import { RecoveryError } from ${JSON.stringify(errors)}
    await answerOnce(async (data) => { ${body} })
  `
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`)
}

test('what a thread is asked once it answers, and what it throws is thrown here with code, class and hint', async () => {
  assert.deepEqual(await askWorkerThread(answering('return { twice: data.n * 2 }'), { n: 21 }), { twice: 42 })
  const fields = { code: 'SOME', class: 'refused', message: 'no', hint: 'ask again' }
  const refusing = answering('throw new RecoveryError(data)')
  await assert.rejects(askWorkerThread(refusing, fields), { name: 'RecoveryError', ...fields })
})

test('a thread that ends without a word, or dies, is an error and no wait', async () => {
  await assert.rejects(askWorkerThread(answering('process.exit(0)'), {}), /the thread said nothing/)
  await assert.rejects(askWorkerThread(answering('process.exit(3)'), {}), /the thread ended with 3/)
  await assert.rejects(askWorkerThread(new URL('data:text/javascript,throw new Error("dead")'), {}), /dead/)
})
