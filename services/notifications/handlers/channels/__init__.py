"""The ways out: one small port, and behind it SMTP, WhatsApp, an SMS gateway and the console."""

from services.notifications.handlers.channels.console import ConsoleChannel
from services.notifications.handlers.channels.port import (
    Channel,
    ChannelAwayError,
    Delivery,
    HandOver,
    Parcel,
    Result,
)
from services.notifications.handlers.channels.sms import SmsChannel, SmsGateway
from services.notifications.handlers.channels.smtp import SmtpChannel, SmtpServer
from services.notifications.handlers.channels.whatsapp import WhatsAppAccount, WhatsAppChannel

__all__ = [
    "Channel",
    "ChannelAwayError",
    "ConsoleChannel",
    "Delivery",
    "HandOver",
    "Parcel",
    "Result",
    "SmsChannel",
    "SmsGateway",
    "SmtpChannel",
    "SmtpServer",
    "WhatsAppAccount",
    "WhatsAppChannel",
]
