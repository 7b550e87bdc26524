"""One year of the office, played through the HTTP APIs alone: each chapter does its deeds, then asks what came of them.

``tell_story(stack, plan, …)`` plays the chapters act by act; the chapters of one act run side by side. Each chapter is one module
with a plain list of deeds and its own checks: what it planned against what the APIs say afterwards. What is long past is a
partner's (*mitra*), whose lists the services take afterwards; what the office holds itself has short real deadlines.
"""

from ops.story.plan import Plan
from ops.story.scene import Check, Scene, StoryStoppedError
from ops.story.staging import tell_story
from ops.story.story import Story, Told

__all__ = ["Check", "Plan", "Scene", "Story", "StoryStoppedError", "Told", "tell_story"]
