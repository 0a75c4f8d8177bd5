"""Fifty answers at once: in a nursery under trio, in a `TaskGroup` under asyncio."""

import asyncio

import trio

from transports import create_provider

QUESTIONS = [f"What is {number} times {number}?" for number in range(50)]


async def ask(provider, question, answers):
    async with provider.stream(question) as stream:
        async for _ in stream:
            pass
    answers[question] = stream.result().text


async def in_a_nursery(provider, questions=QUESTIONS):
    answers = {}
    async with trio.open_nursery() as nursery:
        for question in questions:
            nursery.start_soon(ask, provider, question, answers)
    return answers


async def in_a_task_group(provider, questions=QUESTIONS):
    answers = {}
    async with asyncio.TaskGroup() as group:
        for question in questions:
            group.create_task(ask(provider, question, answers))
    return answers


async def main():
    async with create_provider() as provider:  # the key is read from OPENROUTER_API_KEY
        print(await in_a_nursery(provider))


if __name__ == "__main__":
    trio.run(main)
